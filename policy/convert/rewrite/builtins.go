package rewrite

// A builtin is a function of the language itself.
type builtin struct {
	params  []Type
	typ     Type
	pattern bool // the first argument is a regular expression
	request bool // looks at the request
	waits   bool // asks a name server
}

var (
	noTypes    = []Type{}
	oneString  = []Type{String}
	oneInteger = []Type{Integer}
)

// builtins are all of them by name. How they are written in Lua is in call.go.
var builtins = map[string]*builtin{
	"length":              {params: oneString, typ: Integer},
	"index":               {params: []Type{String, Integer}, typ: Integer},
	"rindex":              {params: []Type{String, Integer}, typ: Integer},
	"substr":              {params: []Type{String, Integer, Integer}, typ: String},
	"field":               {params: []Type{String, Integer}, typ: String},
	"sub":                 {params: []Type{String, String, String}, typ: String, pattern: true},
	"gsub":                {params: []Type{String, String, String}, typ: String, pattern: true},
	"tolower":             {params: oneString, typ: String},
	"toupper":             {params: oneString, typ: String},
	"qprn":                {params: oneString, typ: String},
	"quote_string":        {params: oneString, typ: String},
	"unquote_string":      {params: oneString, typ: String},
	"logit":               {params: oneString, typ: Integer},
	"inet_aton":           {params: oneString, typ: Integer},
	"inet_ntoa":           {params: oneInteger, typ: String},
	"htonl":               {params: oneInteger, typ: Integer},
	"ntohl":               {params: oneInteger, typ: Integer},
	"htons":               {params: oneInteger, typ: Integer},
	"ntohs":               {params: oneInteger, typ: Integer},
	"request_code_string": {params: oneInteger, typ: String},
	"request_source_ip":   {params: noTypes, typ: Integer, request: true},
	"request_source_port": {params: noTypes, typ: Integer, request: true},
	"request_id":          {params: noTypes, typ: Integer, request: true},
	"request_code":        {params: noTypes, typ: Integer, request: true},
	"nas_name":            {params: oneInteger, typ: String},
	"nas_short_name":      {params: oneInteger, typ: String},
	"nas_full_name":       {params: oneInteger, typ: String},
	"gethostbyname":       {params: oneString, typ: Integer, waits: true},
	"gethostbyaddr":       {params: oneInteger, typ: String, waits: true},
	"time":                {params: noTypes, typ: Integer},
	"strftime":            {params: []Type{String, Integer}, typ: String},
	"gettext":             {params: oneString, typ: String},
	"_":                   {params: oneString, typ: String},
	"dgettext":            {params: []Type{String, String}, typ: String},
	"ngettext":            {params: []Type{String, String, Integer}, typ: String},
	"dngettext":           {params: []Type{String, String, String, Integer}, typ: String},
	"textdomain":          {params: oneString, typ: String},
}
