package client

import "strings"

// split parts a line of radius.conf(5) into fields. The form is stricter than that of the raddb files:
// only double quotes, only at the beginning of a field, only the escapes \" and \\, no joined lines.
func (c *confReader) split(line string) (fields []field, ok bool) {
	for i := 0; ; {
		i += len(line[i:]) - len(strings.TrimLeft(line[i:], " \t"))
		if i == len(line) || line[i] == '#' {
			return fields, true
		}
		f := field{col: i + 1}
		if line[i] == '"' {
			f.text, i, ok = c.quoted(line, i)
			if !ok {
				return nil, false
			}
		} else {
			end := strings.IndexAny(line[i:], " \t")
			if end < 0 {
				end = len(line) - i
			}
			f.text = line[i : i+end]
			i += end
		}
		fields = append(fields, f)
	}
}

// quoted reads a quoted field from its opening quote and gives the offset behind it.
func (c *confReader) quoted(line string, begin int) (text string, end int, ok bool) {
	var b strings.Builder
	for i := begin + 1; i < len(line); i++ {
		switch line[i] {
		case '"':
			return c.closed(b.String(), line, begin, i+1)
		case '\\':
			i++
			if i == len(line) || line[i] != '"' && line[i] != '\\' {
				c.errs.Errorf(c.pos(i), `an unknown escape; expected \" or \\`)
				return "", 0, false
			}
		}
		b.WriteByte(line[i])
	}
	c.errs.Errorf(c.pos(begin+1), `a quoted field is not closed on its line; expected another "`)
	return "", 0, false
}

func (c *confReader) closed(text, line string, begin, end int) (string, int, bool) {
	if text == "" {
		c.errs.Errorf(c.pos(begin+1), "an empty quoted field; expected text between the quotes")
		return "", 0, false
	}
	if end < len(line) && line[end] != ' ' && line[end] != '\t' {
		c.errs.Errorf(c.pos(end+1), "text directly after a closing quote; expected a space or the end of the line")
		return "", 0, false
	}
	return text, end, true
}
