"""A tetrahedron in each format that pages show in 3-D."""

import io
import json
import struct
import zipfile

CORNERS = ((0, 0, 0), (40, 0, 0), (0, 30, 0), (0, 0, 20))
FACES = ((0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3))
POINTS = [coordinate for face in FACES for corner in face for coordinate in CORNERS[corner]]
PACKAGES = "http://schemas.openxmlformats.org/package/2006"
MODELS = "http://schemas.microsoft.com/3dmanufacturing"


def stl() -> bytes:
    """Returns the solid as a binary STL, whose normals programs compute."""
    facets = (
        struct.pack("<12fH", 0, 0, 0, *POINTS[start : start + 9], 0) for start in range(0, len(POINTS), 9)
    )
    return bytes(80) + struct.pack("<I", len(FACES)) + b"".join(facets)


def three_mf() -> bytes:
    """Returns the solid as a 3MF without colours."""
    corners = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in CORNERS)
    faces = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in FACES)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGES}/content-types">'
        '<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGES}/relationships">'
        f'<Relationship Target="/3D/3dmodel.model" Id="r" Type="{MODELS}/2013/01/3dmodel"/></Relationships>',
        "3D/3dmodel.model": f'<model unit="millimeter" xmlns="{MODELS}/core/2015/02"><resources>'
        f'<object id="1"><mesh><vertices>{corners}</vertices><triangles>{faces}</triangles></mesh></object>'
        '</resources><build><item objectid="1"/></build></model>',
    }
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return stored.getvalue()


def glb(texture: str) -> bytes:
    """Returns the solid as a GLB whose texture is the picture at an address."""
    points, places = struct.pack("<36f", *POINTS), bytes(96)
    vectors = {"bufferView": 0, "componentType": 5126, "count": 12, "type": "VEC3"}
    described = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "textures": [{"source": 0}],
        "images": [{"uri": texture}],
        "buffers": [{"byteLength": len(points + places)}],
        "bufferViews": [
            {"buffer": 0, "byteLength": len(points)},
            {"buffer": 0, "byteOffset": len(points), "byteLength": len(places)},
        ],
        "accessors": [
            {**vectors, "min": [0, 0, 0], "max": [40, 30, 20]},
            {**vectors, "bufferView": 1, "type": "VEC2"},
        ],
    }
    text = json.dumps(described).encode()
    text += b" " * (-len(text) % 4)
    chunks = _chunk(b"JSON", text) + _chunk(b"BIN\0", points + places)
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack("<I4s", len(content), kind) + content
