package server

import (
	"sync/atomic"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/users"
)

// A Generation is one immutable set of everything that policy depends on. A request pins the active one
// and ends on it.
type Generation struct {
	Number     uint64
	Hash       string // of all inputs, hex
	Loaded     time.Time
	Dictionary *dictionary.Dictionary
	Clients    *nas.Table
	Users      *users.Table // nil: no users file; every name is unknown
	Policy     Policy       // nil: no scripts
	Settings   Settings

	refs   atomic.Int64 // 1 while active, and 1 for each batch or detached request on it
	closed atomic.Bool
	native atomic.Pointer[native] // made from the dictionary when first needed
}

// Settings are those of config.toml that change with a generation.
type Settings struct {
	RequireMessageAuthenticator nas.Mode // of clients that say nothing; Inherit means Auto
	LimitProxyState             nas.Mode // likewise
	RejectDelay                 time.Duration
	AccessDeadline              time.Duration // from arrival; later an answer is not computed; 0: 5 s
	AcctDeadline                time.Duration // likewise
	DuplicateKeep               time.Duration // how long answers are kept, from the answer
	AnyCodeAnyPort              bool          // Access-Requests on the accounting port and the reverse
	NoCredential                bool          // answer Access-Requests without credential and M-A
	StrictNames                 bool          // refuse user names with control characters
	MaxInflight                 int           // per client
	ChallengeTries              int           // answers that one State allows; 0: 3
	Deny                        map[string]struct{}
	Location                    *time.Location // of Login-Time and Expiration; nil: the process's zone
	Texts                       Texts
}

// Texts are Reply-Messages that the server adds to its own rejects, as sent (CR LF for new lines), at most
// 253 octets each. An empty one adds nothing.
type Texts struct {
	Denied     string // wrong password, unknown user, and all reasons without a text of their own
	Closed     string // the name stands in access.deny
	Expired    string // Expiration has passed
	OutOfHours string // Login-Time
}
