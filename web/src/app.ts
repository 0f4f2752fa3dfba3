// Loaded by every page.
import "./bell";
import "./more";
import "./panels";
import "./previews";
import "./suggestions";
