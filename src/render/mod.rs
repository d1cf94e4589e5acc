//! One value, several faces: plan and report as text and JSON. Writes to what it is given, decides nothing.
