import type { Applied, Compare, Op, TxnResult, WatchEvent } from '../etcd/client.ts'
import { EtcdUnavailable } from '../etcd/client.ts'
import type { Change, NewsListener, Record } from './news.ts'

/**
 * The fate of a transaction. `lost`: it does not arrive. `unheard`: it is carried out, and the answer is lost. `late`:
 * it is carried out after its caller gave up.
 */
export type Fate = 'answered' | 'lost' | 'unheard' | 'late'

/** A watch of a prefix, whose changes can be late. */
export class FakeWatch {
  readonly prefix: string
  readonly listener: NewsListener
  readonly close: () => void
  #held: Change[] | undefined

  constructor(prefix: string, listener: NewsListener, close: () => void) {
    this.prefix = prefix
    this.listener = listener
    this.close = close
  }

  tell(change: Change): void {
    if (!change.kv.key.startsWith(this.prefix)) return
    if (this.#held === undefined) this.listener.changed([change])
    else this.#held.push(change)
  }

  /** Keeps changes back. */
  hold(): void {
    this.#held ??= []
  }

  /** Tells what was kept back: all, or so many. */
  release(count = Infinity): void {
    const held = this.#held ?? []
    const told = held.splice(0, Math.min(count, held.length))
    if (held.length === 0 && count === Infinity) this.#held = undefined
    for (const change of told) this.listener.changed([change])
  }

  /** Forgets what was kept back, as after a gap. */
  drop(): void {
    this.#held = undefined
  }
}

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
  /** The number of members, and of those that are as far as the others. */
  readonly members = 3
  applying = 3
  /** The revision below which {@link changes} are gone. */
  compacted = 0
  /** The number of times that somebody asked for the changes of a key. */
  lookedUp = 0
  readonly #watches = new Set<FakeWatch>()
  readonly #history: Change[] = []
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

  /** Tells a listener what is below a prefix. Changes that are held come when they are released. */
  watch(prefix: string, listener: NewsListener): FakeWatch {
    const watch = new FakeWatch(prefix, listener, () => this.#watches.delete(watch))
    this.#watches.add(watch)
    this.list(watch)
    return watch
  }

  /** Tells a listener everything anew, as after a gap. */
  list({ prefix, listener }: FakeWatch): void {
    listener.listed(
      [...this.kvs.values()].filter(({ key }) => key.startsWith(prefix)),
      String(this.#revision),
    )
  }

  async changes(key: string, from: number, isEnough: (event: WatchEvent) => boolean): Promise<readonly WatchEvent[]> {
    this.lookedUp++
    if (this.unavailable !== undefined) throw new EtcdUnavailable('no-majority', this.unavailable)
    await this.delay()
    if (from <= this.compacted) throw new EtcdUnavailable('compacted', 'the revision has been compacted')
    const all = this.#history
      .filter(({ kv }) => kv.key === key && Number(kv.modRevision) >= from)
      .map(({ type, kv }) => ({ type, kv: { ...kv, version: '1', lease: '0' } }))
    const last = all.findIndex(isEnough)
    if (last < 0) throw noAnswer()
    return all.slice(0, last + 1)
  }

  async applied(): Promise<Applied> {
    return await Promise.resolve({ applied: this.applying, members: this.members })
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
    this.#history.push(change)
    for (const watch of this.#watches) watch.tell(change)
  }

  #carryOut(compare: readonly Compare[], then: readonly Op[], otherwise: readonly Op[]): TxnResult {
    const won = compare.every((each) => {
      const present = this.kvs.get(each.key)
      if ('version' in each) return present === undefined
      if ('modRevision' in each) return present?.modRevision === each.modRevision
      return 'value' in each && present?.value === each.value
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
