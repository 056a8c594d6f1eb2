package ingest

import (
	"errors"

	"tidegauge/schemas"
)

// repair finds the records of the requests topic that lie in the wrong partition, where another partitioner than Kafka's
// standard one has put them: to the processors they are dead letters. Written again they are in the right one, where
// repair passes them over when it comes by. They stay as they are, without an id where they have none: two copies of one
// request must not become two requests by where they lie.
type repair struct {
	json                  schemas.Decoder
	partition, partitions int
}

// decode adds the request of a record to the batch unless it is in place.
func (d *repair) decode(value []byte, into *Batch) (inPlace bool, err error) {
	if len(value) == 0 {
		return false, errors.New("the record has no value")
	}
	r := into.add()
	if err := d.json.Decode(value, r); err != nil {
		return false, err
	}
	if schemas.Partition(r.Service, d.partitions) == d.partition {
		into.drop()
		return true, nil
	}
	return false, nil
}
