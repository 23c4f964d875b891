package radius

// md5Block takes one more block of 64 octets into the state of each lane (RFC 1321 s3.4). It needs AVX2.
//
//go:noescape
func md5Block(state *[4][lanes]uint32, blocks *[lanes]*byte)

//go:noescape
func identify(leaf, sub uint32) (a, b, c, d uint32)

//go:noescape
func enabled() uint32

// wide says whether the processor has AVX2, and the system keeps its registers.
var wide = hasAVX2()

func hasAVX2() bool {
	const (
		osxsave = 1 << 27
		avx     = 1 << 28
		avx2    = 1 << 5
		ymm     = 6
	)
	highest, _, _, _ := identify(0, 0)
	if highest < 7 {
		return false
	}
	_, _, c, _ := identify(1, 0)
	if c&(osxsave|avx) != osxsave|avx || enabled()&ymm != ymm {
		return false
	}
	_, b, _, _ := identify(7, 0)
	return b&avx2 != 0
}
