// Loaded by every page.
import "./more";
import "./previews";
import "./suggestions";
