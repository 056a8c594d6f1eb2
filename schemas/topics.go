package schemas

// Topics. The number at the end is the version of the record's shape, not of the software.
const (
	// RequestsTopic carries one canonical JSON request a record, keyed by service.
	RequestsTopic = "tidegauge.requests.v1"
	// GPUTopic carries GPU samples, keyed by host.
	GPUTopic = "tidegauge.gpu.v1"
)

// Partition gives the partition of a key among n: Kafka's standard partitioner, toPositive(murmur2(key)) % n, so that
// producers in any language put a service's requests where its owner looks for them.
func Partition(key string, n int) int {
	return int(murmur2(key)&0x7fffffff) % n
}

// murmur2 is the 32-bit MurmurHash2 with the seed of org.apache.kafka.common.utils.Utils.
func murmur2(key string) uint32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
		r    = 24
	)
	h := uint32(seed) ^ uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		k := uint32(key[0]) | uint32(key[1])<<8 | uint32(key[2])<<16 | uint32(key[3])<<24
		k *= m
		k ^= k >> r
		h = h*m ^ k*m
	}
	switch len(key) {
	case 3:
		h ^= uint32(key[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(key[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(key[0])) * m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
