// Shows STL, 3MF and GLB files in 3-D. Only pages with such an attachment load this script.

import {
  AmbientLight,
  Box3,
  DirectionalLight,
  Loader,
  LoadingManager,
  Mesh,
  MeshStandardMaterial,
  type Object3D,
  PerspectiveCamera,
  Scene,
  Sphere,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { ThreeMFLoader } from "three/addons/loaders/3MFLoader.js";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { STLLoader } from "three/addons/loaders/STLLoader.js";
import { find, text } from "./page";

const GREY = 0x8899aa;
const TURN = Math.PI / 12;
const ZOOM = 1.2;

/** A white pixel (PNG). */
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mP4DwABAQEAHLCMmQAAAABJRU5ErkJggg==";

/** Returns a manager that loads only what a file contains, and a white pixel for pictures elsewhere: no file makes the
 * page ask another host. */
function contained(): LoadingManager {
  const manager = new LoadingManager();
  manager.setURLModifier((address) => (/^(blob|data):/.test(address) ? address : PIXEL));
  return manager;
}

/** Returns the model with its parts without a colour in grey: they are white, as the page is. */
function visible(model: Object3D): Object3D {
  model.traverse((part) => {
    const material = part instanceof Mesh ? part.material : null;
    if (material?.name === Loader.DEFAULT_MATERIAL_NAME) material.color.set(GREY);
  });
  return model;
}

/** Returns the model in a file of this media type. Throws if it can't be read. */
async function parsed(type: string, content: ArrayBuffer): Promise<Object3D> {
  if (type === "model/stl") {
    const shape = new STLLoader().parse(content);
    shape.computeVertexNormals();
    return new Mesh(shape, new MeshStandardMaterial({ color: GREY, roughness: 0.6 }));
  }
  if (type === "model/3mf") return visible(new ThreeMFLoader(contained()).parse(content));
  return (await new GLTFLoader(contained()).parseAsync(content, "")).scene;
}

/** An attachment that a button shows in 3-D: turned by the pointer or the arrow keys, and enlarged by + and -. */
class ModelView extends HTMLElement {
  connectedCallback(): void {
    const button = find<HTMLButtonElement>(this, "button");
    button.hidden = false;
    button.addEventListener("click", () => void this.#show(button));
  }

  async #show(button: HTMLButtonElement): Promise<void> {
    const status = find(this, "[role=status]");
    button.disabled = true;
    status.textContent = text("loading");
    try {
      const response = await fetch(this.dataset.file ?? "");
      if (!response.ok) throw new Error(String(response.status));
      this.#draw(await parsed(this.dataset.type ?? "", await response.arrayBuffer()));
      button.hidden = true;
      find(this, "[data-model]").focus({ preventScroll: true });
      status.textContent = text("model_keys");
    } catch {
      button.disabled = false;
      status.textContent = text("model_failed");
    }
  }

  #draw(model: Object3D): void {
    const stage = find(this, "[data-model]");
    stage.hidden = false;
    const renderer = new WebGLRenderer({ antialias: true, alpha: true });
    renderer.setPixelRatio(devicePixelRatio);
    stage.append(renderer.domElement);
    const scene = new Scene().add(model, new AmbientLight(0xffffff, 1.5));
    const sphere = new Box3().setFromObject(model).getBoundingSphere(new Sphere());
    const reach = sphere.radius || 1;
    const camera = new PerspectiveCamera(40, 1, reach / 100, reach * 100);
    camera.position.copy(sphere.center).add({ x: 1.6 * reach, y: 1.2 * reach, z: 2.4 * reach });
    camera.add(new DirectionalLight(0xffffff, 2));
    scene.add(camera);
    const controls = new OrbitControls(camera, renderer.domElement);
    controls.target.copy(sphere.center);
    // Drawn when something changes, so that a page that is left open costs nothing.
    const draw = () => renderer.render(scene, camera);
    controls.addEventListener("change", draw);
    stage.addEventListener("keydown", (event) => {
      if (turned(event, camera, controls)) {
        event.preventDefault();
        controls.update();
      }
    });
    new ResizeObserver(() => {
      renderer.setSize(stage.clientWidth, stage.clientHeight);
      camera.aspect = stage.clientWidth / Math.max(stage.clientHeight, 1);
      camera.updateProjectionMatrix();
      draw();
    }).observe(stage);
    controls.update();
    draw();
  }
}

/** Turns or enlarges what the camera sees by a key; returns whether the key does so. */
function turned(event: KeyboardEvent, camera: PerspectiveCamera, controls: OrbitControls): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const away = camera.position.clone().sub(controls.target);
  if (event.key === "+") away.divideScalar(ZOOM);
  else if (event.key === "-") away.multiplyScalar(ZOOM);
  else if (event.key === "ArrowLeft") away.applyAxisAngle(camera.up, -TURN);
  else if (event.key === "ArrowRight") away.applyAxisAngle(camera.up, TURN);
  else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    const side = away.clone().cross(camera.up).normalize();
    away.applyAxisAngle(side, event.key === "ArrowUp" ? TURN : -TURN);
  } else return false;
  camera.position.copy(controls.target).add(away);
  return true;
}

customElements.define("model-view", ModelView);
