import type { Compare, Op, TxnResult } from '../etcd/client.ts'
import { EtcdUnavailable } from '../etcd/client.ts'
import type { Change, NewsListener, Record } from './news.ts'

/**
 * The fate of a transaction. `lost`: it does not arrive. `unheard`: it is carried out, and the answer is lost. `late`:
 * it is carried out after its caller gave up.
 */
export type Fate = 'answered' | 'lost' | 'unheard' | 'late'

/** An etcd in memory for tests, which several hosts share. */
export class FakeEtcd {
  readonly kvs = new Map<string, Record>()
  readonly leases: number[] = []
  /** Decides what happens to a transaction. */
  fate: () => Fate = () => 'answered'
  /** Waits before a transaction is carried out, and before its answer arrives. */
  delay: () => Promise<void> = async () => await Promise.resolve()
  /** The reason why it gives no answer. */
  unavailable: string | undefined
  readonly #watches = new Set<{ readonly prefix: string; readonly listener: NewsListener }>()
  #late: (() => void)[] = []
  #revision = 1

  async txn(compare: readonly Compare[], then: readonly Op[], otherwise: readonly Op[] = []): Promise<TxnResult> {
    if (this.unavailable !== undefined) throw new EtcdUnavailable('no-majority', this.unavailable)
    const fate = this.fate()
    await this.delay()
    if (fate === 'lost') throw noAnswer()
    if (fate === 'late') {
      this.#late.push(() => void this.#carryOut(compare, then, otherwise))
      throw noAnswer()
    }
    const result = this.#carryOut(compare, then, otherwise)
    await this.delay()
    if (fate === 'unheard') throw noAnswer()
    return result
  }

  async grant(ttlS: number): Promise<string> {
    if (this.unavailable !== undefined) throw new EtcdUnavailable('no-majority', this.unavailable)
    await this.delay()
    return String(this.leases.push(ttlS))
  }

  watch(prefix: string, listener: NewsListener): { close(): void } {
    const watch = { prefix, listener }
    this.#watches.add(watch)
    listener.listed([...this.kvs.values()].filter(({ key }) => key.startsWith(prefix)))
    return { close: () => this.#watches.delete(watch) }
  }

  /** Carries out what comes late. */
  runLate(): void {
    for (const late of this.#late.splice(0)) late()
  }

  put(key: string, value: string): void {
    const kv = { key, value, modRevision: String(++this.#revision) }
    this.kvs.set(key, kv)
    this.#tell({ type: 'put', kv })
  }

  delete(key: string): void {
    if (!this.kvs.delete(key)) return
    this.#tell({ type: 'delete', kv: { key, value: '', modRevision: String(++this.#revision) } })
  }

  #tell(change: Change): void {
    for (const { prefix, listener } of this.#watches) {
      if (change.kv.key.startsWith(prefix)) listener.changed([change])
    }
  }

  #carryOut(compare: readonly Compare[], then: readonly Op[], otherwise: readonly Op[]): TxnResult {
    const won = compare.every((each) => {
      const present = this.kvs.get(each.key)
      return 'version' in each ? present === undefined : 'value' in each && present?.value === each.value
    })
    const kvs = (won ? then : otherwise).map((op) => {
      if ('put' in op) this.put(op.put, op.value)
      const kv = 'get' in op ? this.kvs.get(op.get) : undefined
      return kv === undefined ? [] : [{ ...kv, version: '1', lease: '0' }]
    })
    return { won, revision: String(this.#revision), kvs }
  }
}

function noAnswer(): EtcdUnavailable {
  return new EtcdUnavailable('no-answer', 'no answer of etcd within 3 s')
}
