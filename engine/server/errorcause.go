package server

import (
	"slices"
	"strconv"
)

// Values of Error-Cause (RFC 5176 s3.5) that are made here.
const (
	causeUnsupportedAttribute = 401 // an attribute that such a request may not carry
	causeMissingAttribute     = 402 // nothing says which session is meant, or State is missing
	causeMismatch             = 403 // the session is another NAS's than the request names
	causeInvalidRequest       = 404
	causeUnsupportedService   = 405 // a Service-Type that cannot be changed to
	causeInvalidValue         = 407 // an attribute whose value has not its form
	causeProhibited           = 501 // the sender has no right to it
	causeNotRoutable          = 502 // there is no way to the NAS
	causeNoSession            = 503
	causeProxyError           = 505 // the NAS did not answer, or gave an answer that cannot be passed on
	causeNoResources          = 506 // too much is under way
	causeSeveralSessions      = 508
)

// causeNames are all the values that are registered for RADIUS (RFC 5176 s3.5, 5580 s4.5.2, 7930 s4).
var causeNames = map[uint32]string{
	201: "Residual-Context-Removed",
	202: "Invalid-EAP-Packet",
	401: "Unsupported-Attribute",
	402: "Missing-Attribute",
	403: "NAS-Identification-Mismatch",
	404: "Invalid-Request",
	405: "Unsupported-Service",
	406: "Unsupported-Extension",
	407: "Invalid-Attribute-Value",
	501: "Administratively-Prohibited",
	502: "Proxy-Request-Not-Routable",
	503: "Session-Context-Not-Found",
	504: "Session-Context-Not-Removable",
	505: "Proxy-Processing-Error",
	506: "Resources-Unavailable",
	507: "Request-Initiated",
	508: "Multiple-Session-Selection-Unsupported",
	509: "Location-Info-Required",
	601: "Response-Too-Big",
}

// ErrorCauseName gives the name of a value of Error-Cause, its digits if it has none, and "" for 0.
func ErrorCauseName(cause uint32) string {
	if name, ok := causeNames[cause]; ok {
		return name
	}
	if cause == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(cause), 10)
}

// ErrorCauses gives all values of Error-Cause that have a name, in order.
func ErrorCauses() (causes []uint32) {
	for cause := range causeNames {
		causes = append(causes, cause)
	}
	slices.Sort(causes)
	return causes
}
