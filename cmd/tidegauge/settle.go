package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"tidegauge/config"
	"tidegauge/storage"
)

// ends gives the offset after the last record of each partition of the requests topic.
func ends(ctx context.Context, k config.Kafka) (map[int32]int64, error) {
	dialer, err := kafkaConfig(k).Dialer()
	if err != nil {
		return nil, usage(err)
	}
	var errs []error
	for _, broker := range k.Brokers {
		partitions, err := dialer.LookupPartitions(ctx, "tcp", broker, k.Topic)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found := map[int32]int64{}
		for _, p := range partitions {
			conn, err := dialer.DialPartition(ctx, "tcp", broker, p)
			if err != nil {
				return nil, err
			}
			last, err := readLast(ctx, conn)
			if err != nil {
				return nil, fmt.Errorf("asking for the end of partition %d of topic %s: %w", p.ID, k.Topic, err)
			}
			found[int32(p.ID)] = last
		}
		return found, nil
	}
	return nil, errors.Join(errs...)
}

func readLast(ctx context.Context, conn *kafka.Conn) (int64, error) {
	defer conn.Close()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(30 * time.Second)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return 0, err
	}
	return conn.ReadLastOffset()
}

// settled waits until ClickHouse holds every record up to the given ends, as positions say: rows are stored before the
// position, so that everything is there then.
func settled(ctx context.Context, db *storage.DB, k config.Kafka, ends map[int32]int64, behind func(records int64)) error {
	for {
		left, err := lag(ctx, db, k, ends)
		if err != nil || left == 0 {
			return err
		}
		if behind != nil {
			behind(left)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// lag counts the records before ends that are not stored yet.
func lag(ctx context.Context, db *storage.DB, k config.Kafka, ends map[int32]int64) (int64, error) {
	rows, err := db.Query(ctx, "SELECT partition, max(position) FROM positions WHERE consumer_group = $1 AND topic = $2 GROUP BY partition",
		k.Group, k.Topic)
	if err != nil {
		return 0, fmt.Errorf("reading positions: %w", err)
	}
	defer rows.Close()
	stored := map[int32]int64{}
	for rows.Next() {
		var partition int32
		var position int64
		if err := rows.Scan(&partition, &position); err != nil {
			return 0, err
		}
		stored[partition] = position
	}
	var left int64
	for partition, end := range ends {
		left += max(0, end-stored[partition])
	}
	return left, rows.Err()
}

// settle is ingest --wait.
func (a *app) settle(ctx context.Context) error {
	db, err := a.openDatabase(ctx, false, true)
	if err != nil {
		return err
	}
	defer db.Close()
	end, err := ends(ctx, a.Kafka)
	if err != nil {
		return err
	}
	begun, said := time.Now(), time.Now()
	err = settled(ctx, db, a.Kafka, end, func(left int64) {
		if time.Since(said) > lineInterval {
			said = time.Now()
			fmt.Fprintf(a.err, "waiting for the processors of group %s: %s records behind\n", a.Kafka.Group, count(left))
		}
	})
	if err == nil {
		fmt.Fprintf(a.out, "stored in ClickHouse after %s\n", time.Since(begun).Round(100*time.Millisecond))
	}
	return err
}
