package config

// Backend holds the servers, databases and directories that scripts open by name, and the programs that they may run.
type Backend struct {
}
