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
	Users      *users.Table
	Policy     Policy
	Settings   Settings

	refs   atomic.Int64 // 1 while active, and 1 for each batch or detached request on it
	closed atomic.Bool
}

// Settings are those of config.toml that change with a generation.
type Settings struct {
	RequireMessageAuthenticator nas.Mode // default Auto
	LimitProxyState             nas.Mode // default Auto
	RejectDelay                 time.Duration
	AccessDeadline              time.Duration // from arrival; later an answer is not computed
	AcctDeadline                time.Duration
	DuplicateKeep               time.Duration // how long answers are kept, from the answer
	AnyCodeAnyPort              bool          // Access-Requests on the accounting port and the reverse
	NoCredential                bool          // answer Access-Requests without credential and M-A
	StrictNames                 bool          // refuse user names with control characters
	MaxInflight                 int           // per client
	ChallengeTries              int           // answers that one State allows
	Deny                        map[string]struct{}
	PacketRecord                bool
}
