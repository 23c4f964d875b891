package gnu

func convertHints(s *source)      {}
func convertHuntgroups(s *source) {}
func convertUsers(s *source)      {}
