// Loaded by every page.
import "./bell";
import "./more";
import "./previews";
import "./suggestions";
