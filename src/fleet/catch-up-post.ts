import type { Etcd } from '../etcd/client.ts'
import { EtcdUnavailable } from '../etcd/client.ts'
import type { Clock } from '../secret/clock.ts'
import type { Leases } from './leases.ts'

/** Milliseconds for which questions and answers stay in etcd at least. Who watches has them by then. */
const KEPT_MS = 10_000

/** The functions and values that writing a message needs. */
export interface PostDeps {
  readonly etcd: Pick<Etcd, 'txn'>
  readonly leases: Leases
  readonly clock: Pick<Clock, 'now' | 'steady'>
}

/** Writes a message of hosts that catch up. Returns its revision. @throws EtcdUnavailable */
export async function post({ etcd, leases, clock }: PostDeps, key: string, value: string, ms: number): Promise<number> {
  const end = clock.steady() + ms
  const leftMs = (): number => Math.max(1, end - clock.steady())
  const until = clock.now() + KEPT_MS
  try {
    const lease = await leases.lasting(until, leftMs)
    return Number((await etcd.txn([], [{ put: key, value, lease }], [], leftMs())).revision)
  } catch (error) {
    if (!(error instanceof EtcdUnavailable && error.kind === 'lease')) throw error
    leases.ended(until)
    // Anyone who can write to etcd can end leases, faster than hosts make them.
    return Number((await etcd.txn([], [{ put: key, value }], [], leftMs())).revision)
  }
}
