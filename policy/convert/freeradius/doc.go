// Package freeradius turns the files of a FreeRADIUS 3 directory into a tree of Perilune that answers the same.
package freeradius
