//go:build !amd64

package radius

// wide says that there is no md5Block here.
const wide = false

func md5Block(*[4][lanes]uint32, *[lanes]*byte) { panic("md5Block without AVX2") }
