// Loaded by every page.
import "./previews";
