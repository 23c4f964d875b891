package module

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

func bytesFunctions() []Function {
	f := func(name, signature, doc string, call lua.LGFunction) Function {
		return Function{Module: "bytes", Name: name, Signature: signature, Doc: doc, call: call}
	}
	return []Function{
		f("pack", "bytes.pack(format, …)", "Octets of values, by Lua 5.3's formats (b B h H i[n] I[n] l L j J f d n s[n] z c[n] x), in network order unless < is given.", bytesPack),
		f("unpack", "bytes.unpack(format, octets [, place])", "The values and the place after them; nil and why if there are too few octets.", bytesUnpack),
		f("hex", "bytes.hex(octets)", "Two lower-case digits for each octet.", bytesHex),
		f("from_hex", "bytes.from_hex(text)", "Octets of hexadecimal digits; 0x, blanks, colons and hyphens are skipped. nil and why if it is none.", bytesFromHex),
		f("base64", "bytes.base64(octets)", "Base64 with padding.", bytesBase64),
		f("from_base64", "bytes.from_base64(text)", "Octets of Base64, standard or for URLs, padded or not. nil and why if it is none.", bytesFromBase64),
		f("u64", "bytes.u64(x)", "An unsigned number of 64 bits, of a number or digits. It calculates and compares with its like.", bytesU64),
		{Module: "bytes", Of: "u64", Name: "number", Signature: "u:number()", Doc: "The value as a number, nil above 2^53.", call: u64Number},
	}
}

// textOctets gives argument n, a string, and takes the price of going through it.
func textOctets(l *lua.LState, n int) string {
	text := sandbox.CheckString(l, n)
	sandbox.Charge(l, len(text)/16)
	return text
}

func bytesHex(l *lua.LState) int {
	return pushedText(l, hex.EncodeToString([]byte(textOctets(l, 1))))
}

func bytesFromHex(l *lua.LState) int {
	text := strings.NewReplacer(" ", "", ":", "", "-", "", "\n", "").Replace(textOctets(l, 1))
	text = strings.TrimPrefix(strings.TrimPrefix(text, "0x"), "0X")
	octets, err := hex.DecodeString(text)
	if err != nil {
		return failed(l, "not hexadecimal digits in pairs")
	}
	return pushedText(l, string(octets))
}

func bytesBase64(l *lua.LState) int {
	return pushedText(l, base64.StdEncoding.EncodeToString([]byte(textOctets(l, 1))))
}

func bytesFromBase64(l *lua.LState) int {
	text := strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "").Replace(textOctets(l, 1))
	octets, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return failed(l, "not Base64")
	}
	return pushedText(l, string(octets))
}
