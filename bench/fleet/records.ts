import { randomBytes } from 'node:crypto'
import { ClaimSeal, MARKS_MAX, nextRecord } from '../../src/fleet/claim-record.ts'
import type { ClaimRecord } from '../../src/fleet/claim-record.ts'
import type { FleetHosts } from '../../test/lab/fleet-hosts.ts'

/** The most steps of a transaction (etcd's `--max-txn-ops`). */
const STEPS_MAX = 128
/** Transactions under way at a time. */
const TXNS_MAX = 8
/** Bytes of a mark's random part, and a value: the period of a code. */
const MARK_BYTES = 12
const VALUE = '59000000'

/** Makes records of used secrets, as hosts would: of users who have knocked before, which are the longest. */
export class Records {
  readonly #fleet: FleetHosts
  readonly #seal: ClaimSeal
  #count = 0

  constructor(fleet: FleetHosts) {
    this.#fleet = fleet
    this.#seal = new ClaimSeal(fleet.fleetKey)
  }

  /** Returns the key and the value of a new record. */
  next(): { readonly key: string; readonly value: string } {
    const name = this.#seal.name('value', `bench ${this.#count++}`)
    let record = this.#used(undefined)
    while (record.uses < MARKS_MAX) record = this.#used(record)
    return { key: this.#fleet.keyspace.claim(name), value: this.#seal.seal(name, record) }
  }

  /** Puts so many claims into etcd. No host may be there: it would have to hear of them one by one. */
  async put(count: number): Promise<void> {
    const etcd = this.#fleet.cluster.client()
    let left = count
    const putOn = async (): Promise<void> => {
      while (left > 0) {
        const steps = Array.from({ length: Math.min(left, STEPS_MAX) }, () => {
          const { key, value } = this.next()
          return { put: key, value }
        })
        left -= steps.length
        await etcd.txn([], steps)
      }
    }
    await Promise.all(Array.from({ length: TXNS_MAX }, putOn))
  }

  /** Removes all claims. No host may be there: it would put them right again. */
  async remove(): Promise<void> {
    await this.#fleet.cluster.etcdctl('del', '--prefix', this.#fleet.keyspace.claims)
  }

  #used(before: ClaimRecord | undefined): ClaimRecord {
    return nextRecord(before, VALUE, `web1/${randomBytes(MARK_BYTES).toString('base64url')}`, undefined)
  }
}
