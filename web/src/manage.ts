// Loaded by the pages that manage lists.
import "./owned_list";
