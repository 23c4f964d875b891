package acct

// changes gives what other servers have changed since the last time, and if own is set this one too.
func (p *postgresStore) changes(live *Live, own bool) error {
	if _, err := p.usable(); err != nil {
		return err
	}
	ctx, cancel := bounded()
	defer cancel()
	var next int64
	var ids, clients []string
	except := p.node
	if own {
		except = ""
	}
	err := p.c.QueryRow(ctx, `SELECT txid_snapshot_xmin(txid_current_snapshot()),
		coalesce(array_agg(DISTINCT acctuniqueid) FILTER (WHERE acctuniqueid IS NOT NULL), '{}'),
		coalesce(array_agg(DISTINCT client) FILTER (WHERE acctuniqueid IS NULL AND status LIKE 'Accounting-O%'), '{}')
		FROM acctevent WHERE txid >= $1 AND node <> $2`, p.xmin, except).Scan(&next, &ids, &clients)
	if err != nil {
		return p.clean(err)
	}
	for _, name := range clients {
		for _, s := range live.ofClient(name) {
			ids = append(ids, s.Unique())
		}
	}
	if len(ids) > 0 {
		err = p.rows(ctx, p.c, "WHERE acctuniqueid = ANY($1)", []any{ids}, all(live.refresh))
	}
	if err == nil {
		p.xmin = next
	}
	if p.turn++; err == nil && p.turn%100 == 0 {
		_, err = p.c.Exec(ctx, "DELETE FROM acctplace WHERE until < now()")
	}
	return p.clean(err)
}

func (p *postgresStore) renew(after uint64) error {
	node, err := p.rename()
	if err != nil {
		return err
	}
	ctx, cancel := bounded()
	defer cancel()
	if _, err = p.c.Exec(ctx, "INSERT INTO acctapplied (node, seq, owner) VALUES ($1, $2, $3)", node, int64(after), p.owner); err == nil {
		p.node = node
	}
	return p.clean(err)
}

func (p *postgresStore) applied() (n uint64, err error) {
	if _, err = p.usable(); err != nil {
		return 0, err
	}
	ctx, cancel := bounded()
	defer cancel()
	err = p.c.QueryRow(ctx, `INSERT INTO acctapplied (node, seq, owner) VALUES ($1, 0, $2)
		ON CONFLICT (node) DO UPDATE SET owner = excluded.owner RETURNING seq`, p.node, p.owner).Scan(&n)
	return n, p.clean(err)
}

func (p *postgresStore) stranger(e *Event) (found *Session, err error) {
	row := p.left.row(e)
	if row == 0 {
		return nil, nil
	}
	ctx, cancel := bounded()
	defer cancel()
	err = p.rows(ctx, p.tx, "WHERE radacctid = $1 AND acctstoptime IS NULL AND heard = 0 FOR UPDATE", []any{row}, func(s *Session) bool {
		found = s
		return true
	})
	return found, p.clean(err)
}

func (p *postgresStore) retain(rows, events int64, n int) (deleted int, err error) {
	ctx, cancel := bounded()
	defer cancel()
	for _, d := range [...]struct {
		sql    string
		before int64
	}{
		{"DELETE FROM radacct WHERE radacctid IN (SELECT radacctid FROM radacct WHERE acctstarttime < to_timestamp($1) AND acctstoptime < to_timestamp($1) ORDER BY acctstarttime LIMIT $2 FOR UPDATE SKIP LOCKED)", rows},
		{"DELETE FROM acctevent WHERE eventid IN (SELECT eventid FROM acctevent WHERE arrival < to_timestamp($1) ORDER BY arrival LIMIT $2)", events},
	} {
		if d.before == 0 {
			continue
		}
		tag, err := p.c.Exec(ctx, d.sql, float64(d.before), n)
		if err != nil {
			return deleted, p.clean(err)
		}
		deleted += int(tag.RowsAffected())
	}
	return deleted, nil
}
