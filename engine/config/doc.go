// Package config reads config.toml and the small files of a raddb directory, and puts what it read together
// as one Tree that the upper layers make a generation from. All errors are collected, each with its place.
//
// The settings are one Go struct, Config: its tags hold the names, bounds and explanations, from which the
// reader, the checks and docs/configuration.md are made. To add a setting, add a field with its tags and its
// default in Default.
package config
