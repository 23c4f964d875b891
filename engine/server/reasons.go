package server

// A Reason says why a request was refused. The table below is the only one: counters, metrics, log lines
// and scripts' reason= tests use its names. Zero means that nothing was refused.
type Reason uint8

// Reasons of packets that never become requests: each is a discard by rule (no reply).
const (
	ReasonNone Reason = iota
	ReasonUnknownClient
	ReasonMalformed
	ReasonUnknownCode
	ReasonWrongPort
	ReasonBadMessageAuthenticator
	ReasonNoMessageAuthenticator
	ReasonProxyState
	ReasonBadAuthenticator
	ReasonTwoPasswords
	ReasonPasswordLength
	ReasonNoCredential
	ReasonDuplicate
	ReasonIgnored // Auth-Type = Ignore
	ReasonRateLimit
	ReasonStale      // CoA: Event-Timestamp outside its window
	ReasonIncomplete // accounting without Acct-Status-Type or user, where settings refuse that
)

// Reasons of drops: no reply for want of room or of a backend.
const (
	ReasonBusy Reason = iota + 32
	ReasonExpired
	ReasonBackend
	ReasonRecorder
	ReasonNoHomeServer
	ReasonTooLong
	ReasonDraining
	ReasonHashQueue
	ReasonInflight    // the client has max-inflight requests in work
	ReasonInternal    // a defect of the server itself
	ReasonProgramBusy // no turn came for an external program
	ReasonProgramTime // an external program was killed at its deadline
	ReasonHomeTimeout // no home server has answered in time
	ReasonProxyLoop   // sent on in a circle, or too often
	ReasonMemory      // what waits has the memory that it may have, or the process nearly its own
	ReasonHookBusy    // as many requests wait in this handler already as may
)

// Reasons of rejects, and of what hooks decide.
const (
	ReasonPassword Reason = iota + 64
	ReasonUnknownUser
	ReasonName
	ReasonState
	ReasonChallengeGone
	ReasonLoginTime
	ReasonExpiredAccount
	ReasonDenied // Auth-Type = Reject
	ReasonClosed // access.deny
	ReasonAuthType
	ReasonNoPassword
	ReasonMethod
	ReasonAuthorizeOnly
	ReasonHook
	ReasonHookFailed
	ReasonHookAccept // no refusal: accept{} in authorize, without a native look at the password
	ReasonEncode
	ReasonNoSession
	ReasonIdentity  // Chargeable-User-Identity of somebody else
	ReasonThrottled // too many wrong credentials: this one was not looked at
	ReasonRealmQuota
	ReasonMultipleLogin // Simultaneous-Use
	ReasonProgram       // an external program said no, or could not be run
	ReasonHomeReject    // a home server said no
	ReasonProhibited    // CoA: the client has no right to the session
	ReasonUnsupported   // CoA: an attribute or value that such a request may not have
	ReasonNotRoutable   // CoA: there is no way to the NAS
	ReasonNAS           // CoA: the NAS said no

	NumReasons // the length of a table by Reason
)

// reasonNames is sparse: the gaps leave room, so that numbers in stored records stay what they are.
var reasonNames = [NumReasons]string{
	ReasonProgramBusy:             "program-busy",
	ReasonProgramTime:             "program-timeout",
	ReasonProgram:                 "program",
	ReasonHomeTimeout:             "home-server-timeout",
	ReasonProxyLoop:               "proxy-loop",
	ReasonMemory:                  "memory",
	ReasonHookBusy:                "hook-busy",
	ReasonHomeReject:              "home-server-reject",
	ReasonProhibited:              "prohibited",
	ReasonUnsupported:             "unsupported",
	ReasonNotRoutable:             "not-routable",
	ReasonNAS:                     "nas",
	ReasonUnknownClient:           "unknown-client",
	ReasonMalformed:               "malformed",
	ReasonUnknownCode:             "unknown-code",
	ReasonWrongPort:               "wrong-port",
	ReasonBadMessageAuthenticator: "bad-message-authenticator",
	ReasonNoMessageAuthenticator:  "no-message-authenticator",
	ReasonProxyState:              "proxy-state",
	ReasonBadAuthenticator:        "bad-authenticator",
	ReasonTwoPasswords:            "two-passwords",
	ReasonPasswordLength:          "password-length",
	ReasonNoCredential:            "no-credential",
	ReasonDuplicate:               "duplicate",
	ReasonIgnored:                 "ignored",
	ReasonRateLimit:               "rate-limit",
	ReasonStale:                   "stale",
	ReasonIncomplete:              "incomplete",
	ReasonBusy:                    "busy",
	ReasonExpired:                 "expired",
	ReasonBackend:                 "backend",
	ReasonRecorder:                "recorder",
	ReasonNoHomeServer:            "no-home-server",
	ReasonTooLong:                 "too-long",
	ReasonDraining:                "draining",
	ReasonHashQueue:               "hash-queue",
	ReasonInflight:                "inflight",
	ReasonInternal:                "internal",
	ReasonPassword:                "password",
	ReasonUnknownUser:             "unknown-user",
	ReasonName:                    "name",
	ReasonState:                   "state",
	ReasonChallengeGone:           "challenge-gone",
	ReasonLoginTime:               "login-time",
	ReasonExpiredAccount:          "expired-account",
	ReasonDenied:                  "denied",
	ReasonClosed:                  "access-deny",
	ReasonAuthType:                "auth-type",
	ReasonNoPassword:              "no-password",
	ReasonMethod:                  "method",
	ReasonAuthorizeOnly:           "authorize-only",
	ReasonHook:                    "hook",
	ReasonHookFailed:              "hook-failed",
	ReasonHookAccept:              "hook-accept",
	ReasonEncode:                  "encode",
	ReasonNoSession:               "no-session",
	ReasonRealmQuota:              "realm-quota",
	ReasonMultipleLogin:           "multiple-login",
	ReasonIdentity:                "identity",
	ReasonThrottled:               "throttled",
}

// String gives the reason as log, metrics and scripts spell it; "" for ReasonNone and numbers without one.
func (r Reason) String() string {
	if r < NumReasons {
		return reasonNames[r]
	}
	return ""
}

// reasonNamed gives the reason of a name that a script uses as reason=, ReasonNone for a name of its own.
func reasonNamed(name string) Reason {
	for i, n := range reasonNames {
		if n == name && n != "" {
			return Reason(i)
		}
	}
	return ReasonNone
}
