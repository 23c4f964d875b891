package config

import (
	"net/netip"
	"time"

	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/users"
)

// FileName is the settings' file below the root of a tree.
const FileName = "config.toml"

// Config is config.toml with the defaults filled in. It is not changed after Load. The tags of its fields:
// toml is the key; doc explains it; min and max bound numbers, durations and sizes; one lists the words
// allowed; restart marks what a reload cannot change.
type Config struct {
	Listen     Listen     `toml:"listen" doc:"The addresses that are listened on. A list may be empty. An address without host, \":1812\", is all of the machine's."`
	Server     Server     `toml:"server" doc:"The way of a request."`
	Clients    Clients    `toml:"clients" doc:"Who may speak."`
	Users      Users      `toml:"users" doc:"The users file and its neighbour, access.deny."`
	Dictionary Dictionary `toml:"dictionary" doc:"Names and numbers of attributes."`
	Realms     Realms     `toml:"realms" doc:"Where requests are sent on to."`
	Proxy      Proxy      `toml:"proxy" doc:"How requests are sent on to home servers: docs/proxying.md."`
	CoA        CoA        `toml:"coa" doc:"CoA- and Disconnect-Requests that are sent to NASes (RFC 5176): docs/disconnect.md."`
	Policy     Policy     `toml:"policy" doc:"The scripts and their bounds."`
	Backend    Backend    `toml:"backend" doc:"What scripts ask beside RADIUS: docs/modules.md."`
	Auth       Auth       `toml:"auth" doc:"Passwords."`
	Throttle   Throttle   `toml:"throttle" doc:"Wrong passwords. Each number is what is looked at in span; 0 switches it off. A right password clears its user and station."`
	Duplicates Duplicates `toml:"duplicates" doc:"Requests that repeat others under a new identifier: those whose attributes with one of the PROPERTY flags 1 to 9 are equal."`
	Messages   Messages   `toml:"messages" doc:"Reply-Messages of the server's own. They have the macros of GNU Radius (docs/users.md): %u, %C{name} of the request, %R{name} of the reply and its orders. A new line is sent as CR LF; what is longer than 253 octets becomes several Reply-Messages. An empty text says nothing."`
	Acct       Acct       `toml:"acct" doc:"Accounting."`
	Sessions   Sessions   `toml:"sessions" doc:"Open sessions and Simultaneous-Use: docs/sessions.md."`
	State      State      `toml:"state" doc:"What the server keeps over restarts."`
	Reload     Reload     `toml:"reload" doc:"When and how a changed tree becomes the active one."`
	Record     Record     `toml:"record" doc:"A record of requests and what became of them, without secrets, for perilune replay: docs/replay.md."`
	Log        Log        `toml:"log" doc:"What the server says."`
	Admin      Admin      `toml:"admin" doc:"The socket of reload, status, trace, who and kick."`
	HTTP       HTTP       `toml:"http" doc:"Metrics and health: /live, /ready, /metrics."`

	Programs Programs           `toml:"programs" doc:"Programs that are run beside the server: docs/programs.md. No shell runs them."`
	Filters  map[string]*Filter `toml:"filters" doc:"Filters: programs that live long, read lines and answer lines. Entries name them as |NAME. A filter needs command, and an input for each service that it has."`

	places map[string]raddb.Pos // of each key that the file has, by its dotted name
}

// Listen holds the listeners' addresses.
type Listen struct {
	Auth []netip.AddrPort `toml:"auth" restart:"yes" doc:"Access-Requests and Status-Server"`
	Acct []netip.AddrPort `toml:"acct" restart:"yes" doc:"Accounting-Requests and Status-Server"`
	CoA  []netip.AddrPort `toml:"coa" restart:"yes" doc:"CoA-Requests and Disconnect-Requests (RFC 5176); port 3799 is usual"`
}

// Server holds the settings of the packet path.
type Server struct {
	Timezone       *time.Location `toml:"timezone" doc:"zone of Login-Time, Expiration and dates in files, like \"Europe/Berlin\"; empty: the process's"`
	RejectDelay    time.Duration  `toml:"reject-delay" min:"0s" max:"10s" doc:"how long after its request an Access-Reject goes out, so that it tells nothing of what was computed for it"`
	AccessDeadline time.Duration  `toml:"access-deadline" min:"100ms" max:"60s" doc:"from arrival; an answer that would come later is not computed"`
	AcctDeadline   time.Duration  `toml:"acct-deadline" min:"100ms" max:"60s" doc:"the same for accounting"`
	DuplicateKeep  time.Duration  `toml:"duplicate-keep" min:"1s" max:"30s" doc:"how long answers are kept for retransmissions (RFC 5080 s2.2.2)"`
	DuplicateAcct  time.Duration  `toml:"duplicate-keep-acct" min:"0s" max:"30s" doc:"the same for accounting; 0s: as long as duplicate-keep"`
	DuplicateCache Size           `toml:"duplicate-cache" min:"64KiB" max:"4GiB" restart:"yes" doc:"memory for those answers, for each loop"`
	AnyCode        bool           `toml:"any-code" doc:"take Access-Requests on accounting ports and the reverse, as GNU Radius did"`
	PlainStatus    bool           `toml:"plain-status" doc:"answer Status-Server without Message-Authenticator, as GNU Radius did; RFC 5997 s3 wants it discarded"`
	NoCredential   bool           `toml:"no-credential" doc:"answer Access-Requests that have neither a credential nor Message-Authenticator (call-check NASes)"`
	StrictNames    bool           `toml:"strict-names" doc:"refuse user names with control characters"`
	NameChars      string         `toml:"username-chars" doc:"characters of user names beside letters and digits, where a client has none of its own; empty: any. GNU Radius had \".-_!@#$%^&\\/\"; a MAC address needs \":\" too"`
	LocalAttrs     bool           `toml:"local-attributes" doc:"give each request GNU-Server-Address and GNU-Server-Port, the IPv4 address and the port that were asked, as GNU Radius did"`
	BadNames       string         `toml:"bad-names" one:"reject discard" doc:"what becomes of an Access-Request whose User-Name is malformed; with discard also of one without a name"`
	ExpireWarning  time.Duration  `toml:"expire-warning" min:"0s" max:"36500d" doc:"an accept so shortly before Expiration, or sooner, has the text password-expire-warning; 0s: none has"`
	MaxInflight    int            `toml:"max-inflight" min:"1" max:"1048576" doc:"requests of one client in work at once"`
	ChallengeTries int            `toml:"challenge-tries" min:"1" max:"100" doc:"answers that one State allows"`
	SessionJitter  int            `toml:"session-jitter" min:"0" max:"50" doc:"percent by which Session-Timeout is shortened at random, so that sessions do not all end in one second"`
	Loops          int            `toml:"loops" min:"1" max:"256" restart:"yes" doc:"sockets that share the port of each listener, each with a loop of its own, among which the kernel spreads the sources; more than one pays where one processor is not enough"`
	Batch          int            `toml:"batch" min:"1" max:"128" restart:"yes" doc:"datagrams read at once"`
	Segments       bool           `toml:"udp-segments" restart:"yes" doc:"equally long replies of a batch to one NAS are handed to the kernel as one message, which leaves as a datagram each (Linux, UDP_SEGMENT); false where a network card or tunnel garbles that"`
	Queue          int            `toml:"queue" min:"1" max:"1048576" restart:"yes" doc:"requests that may wait for a backend at once; beyond it they are dropped as busy. From three quarters on, clients with more than their equal share are refused"`
	QueueMemory    Size           `toml:"queue-memory" min:"1MiB" max:"1024GiB" restart:"yes" doc:"memory that these may take, about: a Lua state (32 KiB, with fifty scripts some 250 KiB) and 22 KiB each; beyond it they are dropped as memory"`
	Memory         Size           `toml:"memory" min:"0" max:"1024GiB" restart:"yes" doc:"of the process. Its garbage collector works harder when it comes near; from three fifths on no request may begin to wait, and scripts that have taken more than 1 MiB are ended. The users file lies in memory beside it. 0: no limit, unless the environment has GOMEMLIMIT"`
	RecvBuffer     Size           `toml:"recv-buffer" min:"4KiB" max:"1GiB" restart:"yes" doc:"the kernel's buffer of a socket; the kernel may grant less, see net.core.rmem_max"`
}

// Messages holds texts. The examples in their documentation are those of GNU Radius.
type Messages struct {
	AccessDenied    string `toml:"access-denied" doc:"wrong password, unknown user, and each reject without a text of its own; GNU Radius: \"\\nAccess denied\\n\""`
	AccountClosed   string `toml:"account-closed" doc:"the name stands in access.deny; GNU Radius: \"Sorry, your account is currently closed\\n\""`
	PasswordExpired string `toml:"password-expired" doc:"Expiration has passed; GNU Radius: \"Password has expired\\n\""`
	ExpireWarning   string `toml:"password-expire-warning" doc:"Expiration is near: server.expire-warning; GNU Radius: \"Password will expire in %R{Password-Expire-Days} Days\\n\""`
	RealmQuota      string `toml:"realm-quota" doc:"the realm has all the sessions that it may have; GNU Radius: \"\\nRealm quota exceeded - access denied\\n\""`
	MultipleLogin   string `toml:"multiple-login" doc:"Simultaneous-Use of more than one; GNU Radius: \"\\nYou are already logged in %R{Simultaneous-Use} times - access denied\\n\""`
	SecondLogin     string `toml:"second-login" doc:"Simultaneous-Use of one; GNU Radius: \"\\nYou are already logged in - access denied\\n\""`
	Operational     string `toml:"operational" doc:"answers to Status-Server on authentication ports; GNU Radius: \"GNU Radius server fully operational\""`
	Timespan        string `toml:"timespan-violation" doc:"outside Login-Time; GNU Radius: \"You are calling outside your allowed timespan\\n\""`
}

// Clients holds the settings of the clients file.
type Clients struct {
	File    string        `toml:"file" doc:"the clients file"`
	Require nas.Mode      `toml:"require-message-authenticator" one:"no yes auto" doc:"refuse Access-Requests without Message-Authenticator; auto: from an address that has once sent one that verified"`
	Limit   nas.Mode      `toml:"limit-proxy-state" one:"no yes auto" doc:"refuse Access-Requests with Proxy-State and without Message-Authenticator; auto: as above"`
	Resolve time.Duration `toml:"resolve" min:"10s" max:"24h" doc:"how often host names are looked up anew"`
}

// Users holds the settings of the users file.
type Users struct {
	File       string        `toml:"file" doc:"the users file"`
	Dialect    users.Dialect `toml:"dialect" one:"infer gnu freeradius" doc:"the language of files that do not declare it by $DIALECT"`
	IgnoreCase bool          `toml:"ignore-case" doc:"ASCII letters of user names match without case"`
	Deny       string        `toml:"deny" doc:"names that are always rejected, one a line; it need not exist"`
}

// Dictionary names the dictionary.
type Dictionary struct {
	File string `toml:"file" doc:"the dictionary, with all that it includes"`
}

// Realms names the realms file.
type Realms struct {
	File string `toml:"file" doc:"the realms file; it need not exist"`
}

// Proxy holds the bounds of forwarding.
type Proxy struct {
	Deadline       time.Duration `toml:"deadline" min:"1s" max:"30s" doc:"from arrival; a home server's answer that would come later is not waited for. Requests of realms with retransmit=client have 30 s"`
	Propagate      string        `toml:"propagate" one:"all flagged" doc:"what is kept of a home server's answer: all that the reply may carry, or only attributes with the flag P in the dictionary, as GNU Radius did"`
	MaxOutstanding int           `toml:"max-outstanding" min:"256" max:"1048576" restart:"yes" doc:"requests out at once in all; beyond it they are dropped"`
	MaxPerServer   int           `toml:"max-per-server" min:"256" max:"65536" restart:"yes" doc:"and at one port of one home server, for each 256 of them a socket"`
	Window         time.Duration `toml:"window" min:"1s" max:"10m" restart:"yes" doc:"silence after which a home server counts as dead"`
	Revival        time.Duration `toml:"revival" min:"1s" max:"10m" restart:"yes" doc:"in which the share of one that answers again grows to the whole"`
	Require        nas.Mode      `toml:"require-message-authenticator" one:"no yes auto" restart:"yes" doc:"refuse answers to Access-Requests without Message-Authenticator, where a realm says nothing; auto: from a home server that has once sent one that verified"`
	From           netip.Addr    `toml:"from" restart:"yes" doc:"address of this machine to send from; empty: as the routing says"`
}

// CoA holds the patience with NASes.
type CoA struct {
	Timeout  time.Duration `toml:"timeout" min:"100ms" max:"10s" doc:"for the first answer of a NAS; after each further try it has twice as long"`
	Tries    int           `toml:"tries" min:"1" max:"10" doc:"packets to one NAS, at most"`
	Stamped  bool          `toml:"require-timestamp" doc:"discard requests without Event-Timestamp (RFC 5176 s6.3): only what says when it was made cannot be played again some minutes later"`
	StopWait time.Duration `toml:"stop-wait" min:"0s" max:"1h" doc:"after a Disconnect-ACK, for the session's Stop; then its row is closed as Admin-Reset. 0s: never"`
}

// Policy holds the scripts' place and bounds.
type Policy struct {
	API        int           `toml:"api" min:"1" max:"1" doc:"version of the Lua API that the scripts are written for"`
	Scripts    string        `toml:"scripts" doc:"directory of the scripts; it need not exist"`
	Tests      string        `toml:"tests" one:"require warn off" doc:"whether the scripts' own tests (*_test.lua) must pass before a tree becomes active"`
	Timeout    time.Duration `toml:"timeout" min:"1ms" max:"60s" doc:"of a handler that names none, waiting included"`
	Steps      int           `toml:"steps" min:"1000" max:"1000000000" doc:"instructions of one run"`
	StringSize Size          `toml:"string-size" min:"4KiB" max:"64MiB" doc:"longest string"`
	Memory     Size          `toml:"memory" min:"1MiB" max:"4GiB" doc:"what one run may allocate"`
	HookQueue  int           `toml:"hook-queue" min:"0" max:"1048576" doc:"requests that may wait in one handler at once, so that a slow backend leaves room for handlers that ask others; beyond it they are dropped as hook-busy. 0: half of server.queue"`
	CallDepth  int           `toml:"call-depth" min:"32" max:"10000" doc:"nested calls"`
}

// Auth holds the settings of authentication.
type Auth struct {
	HashWorkers int    `toml:"hash-workers" min:"0" max:"256" restart:"yes" doc:"goroutines that compute costly password hashes, each with up to 128 MiB for an Argon2 one; 0: one for each processor"`
	HashQueue   int    `toml:"hash-queue" min:"1" max:"65536" restart:"yes" doc:"requests that may wait for them; beyond it they are dropped, never rejected"`
	CUI         bool   `toml:"cui" doc:"give a NAS that asks for it a Chargeable-User-Identity (RFC 4372), and refuse one that is not the user's"`
	System      bool   `toml:"system" doc:"read the system's accounts though no users entry names Auth-Type System: for scripts that order it"`
	Passwd      string `toml:"passwd" doc:"accounts of the system, for Auth-Type System"`
	Shadow      string `toml:"shadow" doc:"their passwords, in the form of shadow(5) or of the BSDs' master.passwd; the server's user must be able to read it (group shadow)"`
	Class       bool   `toml:"class" doc:"add a sealed Class to each accept, which ties accounting records to the user and rule that were let in"`
}

// Throttle holds the limits on wrong credentials.
type Throttle struct {
	Failures        int           `toml:"failures" min:"0" max:"1000" doc:"of one user at one station (Calling-Station-Id, or else the client's address); beyond it passwords are not looked at, and all are rejected"`
	StationFailures int           `toml:"station-failures" min:"0" max:"1000" doc:"of one station, whatever the names; a client's address alone is only slowed down"`
	UserFailures    int           `toml:"user-failures" min:"0" max:"1000" doc:"of one user at all stations; beyond it rejects are only held back longer, since strangers could lock anybody out"`
	Span            time.Duration `toml:"span" min:"1m" max:"24h" doc:"for those numbers; one more is looked at each span/number"`
	UserDelay       time.Duration `toml:"user-delay" min:"0s" max:"10s" doc:"how long such rejects are held back"`
}

// Duplicates holds the settings of the extended comparison.
type Duplicates struct {
	CompareAuth int `toml:"compare-auth" min:"0" max:"9" doc:"the flag for Access-Requests; 0: they are only compared by source, identifier and authenticator"`
	CompareAcct int `toml:"compare-acct" min:"0" max:"9" doc:"the flag for Accounting-Requests"`
}

// Programs holds the bounds of external programs.
type Programs struct {
	User    string        `toml:"user" doc:"account to run programs as; empty: daemon if the server is root, else the server's own, which is all that a server that is not root can do"`
	Timeout time.Duration `toml:"timeout" min:"50ms" max:"60s" doc:"of one program; the deadline of its request holds, too. It is killed then, with all its children"`
	Output  Size          `toml:"output" min:"1KiB" max:"1MiB" doc:"what one program may print, or a filter in one answer"`
	Max     int           `toml:"max" min:"1" max:"1024" restart:"yes" doc:"programs at once that requests wait for, and as many that nobody waits for; beyond it requests are dropped, never rejected"`
}

// A Filter is one table [filters.NAME].
type Filter struct {
	Command     string `toml:"command" doc:"its absolute path and arguments"`
	Processes   int    `toml:"processes" min:"1" max:"64" doc:"how many at most for each service; one answers one line after the other, and more are started when lines wait"`
	ErrorLog    string `toml:"error-log" doc:"file for its standard error, relative to this directory; empty: the server's log; none: nowhere"`
	AuthInput   string `toml:"auth-input" doc:"line for Exec-Program-Wait, with the macros of docs/users.md; empty: it has no part in authentication"`
	AuthWait    bool   `toml:"auth-wait-reply" doc:"it answers that line; without, it counts as a success"`
	AuthForgive bool   `toml:"auth-success-on-failure" doc:"a broken or slow filter counts as a success, too"`
	AcctInput   string `toml:"acct-input" doc:"line for Acct-Ext-Program"`
	AcctWait    bool   `toml:"acct-wait-reply" doc:"as above"`
	AcctForgive bool   `toml:"acct-success-on-failure" doc:"as above"`
}

func (f *Filter) setDefaults() { f.AuthWait, f.AcctWait, f.Processes = true, true, 1 }

// Acct holds the settings of accounting.
type Acct struct {
	Journal      string        `toml:"journal" restart:"yes" doc:"directory of the journal; empty: acct in the state directory"`
	Database     Database      `toml:"database" restart:"yes" doc:"path of an SQLite database, or postgres://USER:PASSWORD@HOST/NAME, which several servers may share; \"@FILE\" or 'secret(\"NAME\")': what stands in that file or in secrets/NAME; empty: acct.db beside the journal"`
	Spool        bool          `toml:"spool" restart:"yes" doc:"answer as soon as a record is in the journal; false: only once it is in the database, so that no answer is given while that is away"`
	SpoolSize    Size          `toml:"spool-size" min:"1MiB" max:"1024GiB" restart:"yes" doc:"records that wait for the database, at most; beyond it nothing is answered"`
	Node         string        `toml:"node" restart:"yes" doc:"name of this server among those that share a PostgreSQL; empty: its host name"`
	Sessions     bool          `toml:"sessions" doc:"keep a row for each session; false: only the events, and nothing is counted"`
	Identity     []string      `toml:"identity" one:"client nas-identifier nas-address session-id multi-session-id user port calling-station-id source" restart:"yes" doc:"what tells one session from another. Without session-id it is the port of a NAS, as GNU Radius had it, and requests without a port make no session"`
	MaxSkew      time.Duration `toml:"max-skew" min:"1s" max:"365d" restart:"yes" doc:"how far an Event-Timestamp may lie behind this server's clock to be believed"`
	MaxAhead     time.Duration `toml:"max-ahead" min:"1s" max:"1d" restart:"yes" doc:"and how far ahead of it"`
	OnScope      string        `toml:"on-scope" one:"nas called-station" restart:"yes" doc:"what an Accounting-On or -Off ends: all sessions of its NAS, or those of its Called-Station-Id alone, for radios that send one for each BSSID"`
	Incomplete   bool          `toml:"refuse-incomplete" doc:"do not answer a request without Acct-Status-Type, nor a Start without a user, as GNU Radius did; else they are recorded as events"`
	KeepSessions time.Duration `toml:"keep-sessions" min:"0s" max:"36500d" restart:"yes" doc:"how long closed sessions are kept; 0s: for ever"`
	KeepEvents   time.Duration `toml:"keep-events" min:"0s" max:"36500d" restart:"yes" doc:"how long events are kept; 0s: for ever"`
	Detail       string        `toml:"detail" restart:"yes" doc:"directory of detail files as GNU Radius writes them, beside the database; empty: none"`
	DetailName   string        `toml:"detail-name" doc:"file in that directory: a text with the macros of docs/users.md, or = and a Lua expression; empty: the name of the client that has NAS-IP-Address, else of the one that sent the packet, and /detail"`
	DetailAuth   bool          `toml:"detail-auth" doc:"write Access-Requests too, without passwords"`
	AuthName     string        `toml:"detail-auth-name" doc:"the file for these; empty: as above, and /detail.auth"`
	StripNames   bool          `toml:"strip-names" doc:"in detail files User-Name is as it stands after hints, not as received"`
	OldNames     bool          `toml:"detail-old-names" doc:"in detail files NAS-Port is NAS-Port-Id, NAS-Port-Id is NAS-Port-Id-String and an interim update is Alive, as GNU Radius named them; a NAS-IP-Address that no client has names the directory"`
	DetailOnly   bool          `toml:"detail-only" doc:"without Acct-Type records go to the detail file alone, not to the database: no sessions are counted"`
	DetailSync   bool          `toml:"detail-sync" restart:"yes" doc:"a record is on the disk before it is answered: where detail files are the only record"`
	DetailSize   Size          `toml:"detail-size" min:"0" max:"1024GiB" restart:"yes" doc:"a file as large as this is put aside as NAME.TIME; 0: never"`
	DetailEvery  time.Duration `toml:"detail-every" min:"0s" max:"366d" restart:"yes" doc:"so is one as old as this, counted from midnight UTC; 0s: never"`
}

// Sessions holds the settings of Simultaneous-Use and of the table of sessions.
type Sessions struct {
	Grace      time.Duration `toml:"grace" min:"0s" max:"10m" doc:"how long the place that an Access-Accept has booked is kept until the Start comes; 0s: none is booked, and two logins at once both pass"`
	OnDoubt    string        `toml:"on-doubt" one:"count ignore" doc:"what a session is for Simultaneous-Use whose interims have stopped, if no handler of session knows better"`
	SameDevice string        `toml:"same-device" one:"renew count" doc:"renew: a login of the device that has a session already is no second one; count: it is one, as in GNU Radius"`
	Stripped   bool          `toml:"stripped-names" doc:"users of other organisations count by their names without the realm, if it is taken off, as in GNU Radius: bob@a.example and bob@b.example are one. Else the realm is part of the name"`
	Reap       time.Duration `toml:"reap" min:"0s" max:"365d" restart:"yes" doc:"a session whose interims have stopped is closed after this, and three intervals; one whose NAS sends no interims never; 0s: none is"`
}

// State names the place of state.
type State struct {
	Dir     string `toml:"dir" restart:"yes" doc:"directory of state, relative to this one; empty: $STATE_DIRECTORY, /var/lib/perilune for root, else $XDG_STATE_HOME/perilune or ~/.local/state/perilune"`
	KV      string `toml:"kv" doc:"name of a [backend.kv.NAME] with an address, where the servers of a fleet remember which State is spent; empty: each server for itself"`
	KeyFile string `toml:"key-file" restart:"yes" doc:"key that seals State and Class; a fleet shares it; a second line keeps the former key valid; empty: made once in the state directory"`
}

// Reload holds the settings of reloading.
type Reload struct {
	Watch        bool          `toml:"watch" doc:"reload when a file changes; off for sites that copy trees and then say perilune reload"`
	Poll         time.Duration `toml:"poll" min:"1s" max:"1h" doc:"how often contents are compared, for file systems that tell of no changes"`
	Quiet        time.Duration `toml:"quiet" min:"10ms" max:"10s" doc:"how long nothing must have changed before a reload begins"`
	Longest      time.Duration `toml:"longest" min:"100ms" max:"60s" doc:"how long to wait for that quiet at most"`
	TestsTimeout time.Duration `toml:"tests-timeout" min:"1s" max:"10m" doc:"for all tests of a tree together"`
	Keep         int           `toml:"keep" min:"1" max:"1000" doc:"good trees that are kept for rollback and for a start on a broken one"`
}

// Log holds the settings of logging.
type Log struct {
	Level     string `toml:"level" one:"debug info warn error" doc:"the least that is written; above info the lines of requests are left out"`
	Format    string `toml:"format" one:"auto text json" restart:"yes" doc:"auto: for people on a terminal, else text"`
	File      string `toml:"file" restart:"yes" doc:"file to write to, reopened on SIGUSR1 and when it is renamed; empty: standard error"`
	Identity  string `toml:"identity" one:"plain hash" restart:"yes" doc:"whether the lines of requests have user names plainly or as keyed hashes; the key is made once in the state directory"`
	Passwords bool   `toml:"passwords" doc:"whether the lines of Access-Requests have the password that was typed, which is a danger; the bits of Log-Mode-Mask leave it out"`
	Last      int    `toml:"last" min:"1" max:"1048576" restart:"yes" doc:"decisions that perilune explain --last remembers"`
}

// Record holds the settings of the record of requests.
type Record struct {
	File    string `toml:"file" doc:"file to write to, one line for each request; a relative name is one in the state directory. Empty: nothing is recorded"`
	Size    Size   `toml:"size" min:"64KiB" max:"1GiB" doc:"a file that would grow beyond it is renamed to FILE.1, and a new one begins"`
	Keep    int    `toml:"keep" min:"0" max:"1000" doc:"older files that are kept, FILE.1 the newest"`
	Sample  int    `toml:"sample" min:"1" max:"1000000" doc:"one request of so many is recorded; 1: each"`
	Answers bool   `toml:"answers" doc:"keep what HTTP servers, databases, directories and programs have told scripts, sealed with a key of the state directory, so that a replay there can tell it again"`
}

// Admin holds the settings of the admin socket.
type Admin struct {
	Socket    string   `toml:"socket" restart:"yes" doc:"path of the Unix socket; empty: admin.sock in the state directory"`
	Group     string   `toml:"group" restart:"yes" doc:"group that may look; empty: the server's user and root alone"`
	Operators []string `toml:"operators" restart:"yes" doc:"names of the users who may change things (reload, rollback), beside root and the server's own"`
}

// HTTP names the addresses of the metrics.
type HTTP struct {
	Listen []netip.AddrPort `toml:"listen" restart:"yes" doc:"addresses; loopback unless you know why not; empty: none"`
}

// Place gives the place of a key, "listen.auth", in the file; of the file itself if it has no such key.
func (c *Config) Place(key string) raddb.Pos {
	if p, ok := c.places[key]; ok {
		return p
	}
	return raddb.Pos{File: FileName}
}
