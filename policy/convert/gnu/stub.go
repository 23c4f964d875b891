package gnu

type settings struct{}
type rewriteProgram struct{}
type statement struct{}

func (s *source) convertConfig()  {}
func (s *source) convertClients() {}
func (s *source) convertRealms()  {}
func (s *source) convertDeny()    {}
func (s *source) convertRewrite() {}
func (s *source) convertMenus()   {}
func (s *source) finish()         {}
