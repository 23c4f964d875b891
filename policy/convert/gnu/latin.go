package gnu

import "perilune/policy/convert/output"

// utf8Text gives old text, which is often Latin-1, as UTF-8.
func utf8Text(text string) string { return output.UTF8(text) }
