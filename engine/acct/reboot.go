package acct

// Speaks reports whether an Accounting-On or -Off ends a session: one of that client, of the NAS that the packet
// names, begun before the event. What the packet does not tell is not compared; if it names no NAS at all, only
// sessions that name none are meant, never all NASes behind a proxy.
func (r *Rules) Speaks(e *Event, s *Session) bool {
	at, _ := r.When(e)
	switch {
	case !s.Open() || s.Client != e.Client || s.Begin > at:
		return false
	case r.Identity&WithoutSessionID != 0 && e.NASIdentifier == "": // as the key has it
		return s.NASAddress == e.Address()
	case e.NASIdentifier == "" && e.NASAddress == "" && e.NASIPv6Address == "":
		if s.NASIdentifier != "" || s.NASIPAddress != "" || s.NASIPv6Address != "" {
			return false
		}
	case e.NASIdentifier != "" && e.NASIdentifier != s.NASIdentifier,
		e.NASAddress != "" && e.NASAddress != s.NASIPAddress,
		e.NASIPv6Address != "" && e.NASIPv6Address != s.NASIPv6Address:
		return false
	}
	return r.OnScope != ScopeCalledStation || e.CalledStationID == "" || e.CalledStationID == s.CalledStationID
}

// rebootCause is the Acct-Terminate-Cause of sessions that an Accounting-On or -Off ends.
func rebootCause(e *Event) string {
	if e.TerminateCause != "" {
		return e.TerminateCause
	}
	return CauseReboot
}

// The causes that we give (RFC 2866 s5.10).
const (
	CauseReboot     = "NAS-Reboot"
	CauseAdminReset = "Admin-Reset"
	CauseLost       = "Lost-Service"
)
