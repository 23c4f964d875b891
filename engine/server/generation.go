package server

import (
	"sync/atomic"
	"time"

	"perilune/engine/auth"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/proxy"
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
	Realms     *proxy.Realms  // nil: no realms file
	Users      *users.Table   // nil: no users file; every name is unknown
	Accounts   *auth.Accounts // of the system, for Auth-Type System; nil: not read
	Policy     Policy         // nil: no scripts
	Settings   Settings
	Programs   *Programs // nil: no filters

	refs   atomic.Int64 // 1 while active, and 1 for each batch or detached request on it
	closed atomic.Bool
	native atomic.Pointer[native] // made from the dictionary when first needed

	costliest dummy // of the passwords in its files
}

// Settings are those of config.toml that change with a generation.
type Settings struct {
	RequireMessageAuthenticator nas.Mode // of clients that say nothing; Inherit means Auto
	LimitProxyState             nas.Mode // likewise
	RejectDelay                 time.Duration
	AccessDeadline              time.Duration       // from arrival; later an answer is not computed; 0: 5 s
	AcctDeadline                time.Duration       // likewise
	ProxyDeadline               time.Duration       // of requests that are sent on, from arrival; 0: 15 s
	GNURules                    bool                // the tree's users files are of GNU Radius: what rules do there holds for forwarded requests without a rule, too
	PropagateFlagged            bool                // of a home server's answer only attributes with the flag P are kept
	DuplicateKeep               time.Duration       // how long answers are kept, from the answer
	DuplicateKeepAcct           time.Duration       // the same for accounting; 0: as DuplicateKeep
	PlainStatus                 bool                // answer Status-Server without M-A
	AnyCodeAnyPort              bool                // Access-Requests on the accounting port and the reverse
	NoCredential                bool                // answer Access-Requests without credential and M-A
	StrictNames                 bool                // refuse user names with control characters
	MaxInflight                 int                 // per client
	ChallengeTries              int                 // answers that one State allows; 0: 3
	Spent                       Counts              // of the answers to each State, for all servers of a fleet; nil: each counts for itself
	Throttle                    Throttle            // of wrong credentials; zero: none
	CompareAuth, CompareAcct    uint8               // PROPERTY flag of the extended comparison of duplicates; 0: none
	SessionJitter               int                 // percent by which Session-Timeout is shortened at random
	ChargeableUserIdentity      bool                // make it for a NAS that asks, and check it
	SealedClass                 bool                // add our own Class to accepts
	Deny                        map[string]struct{} // in lower case if IgnoreCase
	IgnoreCase                  bool                // ASCII letters of user names match without case, as in the users file
	Recording                   Recording           // what is recorded of accounting, and where
	Location                    *time.Location      // of Login-Time and Expiration; nil: the process's zone
	Texts                       Texts
	Names                       *nas.Charset  // octets of user names, for clients that say nothing; nil: no bounds
	DiscardNames                bool          // a missing, empty or malformed User-Name gets no answer, not a reject
	ExpireWarning               time.Duration // from so long before Expiration on an accept has its text; 0: never
	LocalAttributes             bool          // requests have GNU-Server-Address and GNU-Server-Port
	Sessions                    SessionSettings
	Dynamic                     Dynamic // CoA- and Disconnect-Requests that are sent
	LogPasswords                bool    // the lines of requests have the passwords of PAP
}
