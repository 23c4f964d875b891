package policy

// Timers keeps the due times of every() over reloads.
type Timers struct{}
