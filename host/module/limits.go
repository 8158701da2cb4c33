package module

// What a module may declare. The numbers are far above what compilers of real
// programs emit and far below what hurts: a module of sixty bytes can declare
// four billion locals, and one of a megabyte can keep a compiler busy for half
// a minute.
const (
	MaxName           = 1 << 16 // bytes of an import's, export's or section's name
	MaxTypes          = 100_000
	MaxParams         = 1_000 // of one type; the same for results
	MaxImports        = 10_000
	MaxFunctions      = 500_000
	MaxExports        = 100_000
	MaxGlobals        = 100_000
	MaxTables         = 100
	MaxTableElements  = 1 << 20 // of all tables together
	MaxElements       = 1 << 20 // entries of all element segments together
	MaxSegments       = 200_000 // data segments, and element segments
	MaxCustomSections = 1_000
	MaxDebugNames     = 1 << 20
	MaxLocals         = 50_000     // of one function
	MaxTotalLocals    = 20_000_000 // of all functions
	MaxBody           = 8 << 20    // bytes of one function
	MaxDepth          = 20_000     // of nested blocks in one function
	MaxBranchTable    = 50_000     // targets of one br_table

	// maxNesting bounds the sum over all functions of depth times depth, since
	// compilers take time quadratic in the depth.
	maxNesting = 2_000_000_000
	// maxBlockValues bounds the parameters and results of all blocks and calls:
	// two bytes of code may mean a thousand values.
	maxBlockValues = 50_000_000
)
