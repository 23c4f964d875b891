package backend

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"perilune/policy/module"
)

// postgresValues writes arguments as PostgreSQL reads them, by the types that it has found for the placeholders.
func postgresValues(types []uint32, args []any) (values [][]byte, formats []int16, err error) {
	if len(types) != len(args) {
		return nil, nil, &module.Misuse{Err: fmt.Errorf("%d arguments for %d placeholders", len(args), len(types))}
	}
	values, formats = make([][]byte, len(args)), make([]int16, len(args))
	for i, v := range args {
		switch v := v.(type) {
		case nil:
		case bool:
			values[i] = strconv.AppendBool(nil, v)
		case int64:
			values[i] = postgresNumber(types[i], float64(v), strconv.FormatInt(v, 10))
		case float64:
			values[i] = postgresNumber(types[i], v, strconv.FormatFloat(v, 'g', -1, 64))
		case string:
			values[i] = append(make([]byte, 0, len(v)), v...)
			if types[i] == pgtype.ByteaOID {
				formats[i] = pgtype.BinaryFormatCode
			} else if !utf8.ValidString(v) || strings.IndexByte(v, 0) >= 0 {
				return nil, nil, &module.Misuse{Err: fmt.Errorf("$%d has octets that are no text (UTF-8 without an octet 0), and PostgreSQL expects text there; only bytea holds any octets", i+1)}
			}
		default:
			return nil, nil, &module.Misuse{Err: fmt.Errorf("$%d is a %T", i+1, v)}
		}
	}
	return values, formats, nil
}

// postgresNumber writes a number; where a time is expected it is in epoch seconds.
func postgresNumber(oid uint32, n float64, digits string) []byte {
	if (oid == pgtype.TimestamptzOID || oid == pgtype.TimestampOID) && math.Abs(n) < 1e11 {
		micros := int64(math.Round(n * 1e6))
		return []byte(time.UnixMicro(micros).UTC().Format("2006-01-02 15:04:05.999999Z07:00"))
	}
	return []byte(digits)
}

// postgresValue reads a value from PostgreSQL's text for it.
func postgresValue(oid uint32, text []byte) any {
	if text == nil {
		return nil
	}
	s := string(text)
	if element, isArray := postgresArrays[oid]; isArray {
		if list, ok := postgresArray(element, s); ok {
			return list
		}
		return s
	}
	switch oid {
	case pgtype.BoolOID:
		return s == "t"
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID, pgtype.XIDOID:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	case pgtype.NumericOID:
		return postgresNumeric(s)
	case pgtype.Float4OID, pgtype.Float8OID:
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	case pgtype.ByteaOID:
		if b, err := hex.DecodeString(strings.TrimPrefix(s, `\x`)); err == nil && strings.HasPrefix(s, `\x`) {
			return string(b)
		}
	case pgtype.TimestamptzOID, pgtype.TimestampOID:
		return postgresTime(s)
	}
	return s
}

// postgresNumeric gives whole numbers exactly while 64 bits hold them, others as the nearest number of Lua.
func postgresNumeric(s string) any {
	whole, fraction, _ := strings.Cut(s, ".")
	if strings.Trim(fraction, "0") == "" {
		if n, ok := new(big.Int).SetString(whole, 10); ok {
			switch {
			case n.IsInt64():
				return n.Int64()
			case n.IsUint64():
				return n.Uint64()
			}
			return whole
		}
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return f
	}
	return s
}

// postgresTime gives epoch seconds; what has no such number, like infinity, stays text.
func postgresTime(s string) any {
	for _, layout := range [...]string{"2006-01-02 15:04:05.999999Z07", "2006-01-02 15:04:05.999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			if t.Nanosecond() == 0 {
				return t.Unix()
			}
			return float64(t.UnixMicro()) / 1e6
		}
	}
	return s
}

// postgresArrays are the types whose values become lists, with those of their elements.
var postgresArrays = map[uint32]uint32{
	pgtype.BoolArrayOID: pgtype.BoolOID, pgtype.Int2ArrayOID: pgtype.Int2OID, pgtype.Int4ArrayOID: pgtype.Int4OID,
	pgtype.Int8ArrayOID: pgtype.Int8OID, pgtype.Float4ArrayOID: pgtype.Float4OID, pgtype.Float8ArrayOID: pgtype.Float8OID,
	pgtype.NumericArrayOID: pgtype.NumericOID, pgtype.TextArrayOID: pgtype.TextOID, pgtype.VarcharArrayOID: pgtype.VarcharOID,
	pgtype.BPCharArrayOID: pgtype.BPCharOID, pgtype.NameArrayOID: pgtype.NameOID, pgtype.InetArrayOID: pgtype.InetOID,
	pgtype.CIDRArrayOID: pgtype.CIDROID, pgtype.MacaddrArrayOID: pgtype.MacaddrOID, pgtype.UUIDArrayOID: pgtype.UUIDOID,
	pgtype.TimestamptzArrayOID: pgtype.TimestamptzOID, pgtype.TimestampArrayOID: pgtype.TimestampOID, pgtype.DateArrayOID: pgtype.DateOID,
}

// postgresArray reads {a,"b c",NULL}; false for arrays of more than one dimension or with bounds of their own.
func postgresArray(element uint32, s string) (list []any, ok bool) {
	if len(s) < 2 || s[0] != '{' || s[len(s)-1] != '}' {
		return nil, false
	}
	list, s = []any{}, s[1:len(s)-1]
	for s != "" {
		text, rest, ok := arrayElement(s)
		if !ok {
			return nil, false
		}
		list = append(list, postgresValue(element, text))
		if rest != "" && (rest[0] != ',' || len(rest) == 1) {
			return nil, false
		}
		s = strings.TrimPrefix(rest, ",")
	}
	return list, true
}

// arrayElement cuts one element off the front; nil for NULL.
func arrayElement(s string) (text []byte, rest string, ok bool) {
	if s[0] != '"' {
		end := strings.IndexByte(s, ',')
		if end < 0 {
			end = len(s)
		}
		if s[:end] != "NULL" {
			text = []byte(s[:end])
		}
		return text, s[end:], s[0] != '{'
	}
	text = []byte{}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return text, s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		text = append(text, s[i])
	}
	return nil, "", false
}
