package radius

import "strconv"

// Code is the first octet of a packet (RFC 2865 s3 and the registry that grew from it).
type Code byte

// Codes that the server knows. Others are counted and discarded.
const (
	CodeAccessRequest      Code = 1
	CodeAccessAccept       Code = 2
	CodeAccessReject       Code = 3
	CodeAccountingRequest  Code = 4
	CodeAccountingResponse Code = 5
	CodeAccessChallenge    Code = 11
	CodeStatusServer       Code = 12
	CodeStatusClient       Code = 13
	CodeDisconnectRequest  Code = 40
	CodeDisconnectACK      Code = 41
	CodeDisconnectNAK      Code = 42
	CodeCoARequest         Code = 43
	CodeCoAACK             Code = 44
	CodeCoANAK             Code = 45
)

// String gives the RFC's name of the code, such as Access-Request, or Code-N for one without a name.
func (c Code) String() string {
	switch c {
	case CodeAccessRequest:
		return "Access-Request"
	case CodeAccessAccept:
		return "Access-Accept"
	case CodeAccessReject:
		return "Access-Reject"
	case CodeAccountingRequest:
		return "Accounting-Request"
	case CodeAccountingResponse:
		return "Accounting-Response"
	case CodeAccessChallenge:
		return "Access-Challenge"
	case CodeStatusServer:
		return "Status-Server"
	case CodeStatusClient:
		return "Status-Client"
	case CodeDisconnectRequest:
		return "Disconnect-Request"
	case CodeDisconnectACK:
		return "Disconnect-ACK"
	case CodeDisconnectNAK:
		return "Disconnect-NAK"
	case CodeCoARequest:
		return "CoA-Request"
	case CodeCoAACK:
		return "CoA-ACK"
	case CodeCoANAK:
		return "CoA-NAK"
	}
	return "Code-" + strconv.Itoa(int(c))
}

// Known reports whether the server knows the code.
func (c Code) Known() bool { return c.IsRequest() || c.IsReply() || c == CodeStatusClient }

// IsRequest reports whether packets of the code ask something, so that a reply is due.
func (c Code) IsRequest() bool {
	switch c {
	case CodeAccessRequest, CodeAccountingRequest, CodeStatusServer, CodeDisconnectRequest, CodeCoARequest:
		return true
	}
	return false
}

// IsReply reports whether packets of the code answer a request.
func (c Code) IsReply() bool {
	switch c {
	case CodeAccessAccept, CodeAccessReject, CodeAccessChallenge, CodeAccountingResponse:
		return true
	}
	return c.isDynamicReply()
}

// Answers reports whether a reply of this code may answer a request of that one (RFC 2865 s4, 2866 s4,
// 5176 s2, 5997 s3).
func (c Code) Answers(request Code) bool {
	switch request {
	case CodeAccessRequest:
		return c == CodeAccessAccept || c == CodeAccessReject || c == CodeAccessChallenge
	case CodeAccountingRequest:
		return c == CodeAccountingResponse
	case CodeStatusServer:
		return c == CodeAccessAccept || c == CodeAccountingResponse
	case CodeDisconnectRequest:
		return c == CodeDisconnectACK || c == CodeDisconnectNAK
	case CodeCoARequest:
		return c == CodeCoAACK || c == CodeCoANAK
	}
	return false
}

// isDynamicReply reports whether the code answers a CoA- or Disconnect-Request.
func (c Code) isDynamicReply() bool {
	return c == CodeDisconnectACK || c == CodeDisconnectNAK || c == CodeCoAACK || c == CodeCoANAK
}

// ownAuthenticator reports whether a request of the code carries a random authenticator; the others carry
// a digest (RFC 2865 s3, 2866 s3, 5176 s2.3, 5997 s3).
func (c Code) ownAuthenticator() bool { return c == CodeAccessRequest || c == CodeStatusServer }
