// etcd in memory, with revisions and transactions.
import { EtcdUnavailable } from '../../src/etcd/client.ts'
import type { Compare, KeyValue, Listed, Op, TxnResult } from '../../src/etcd/client.ts'
import type { PushEtcd } from '../../src/postern/fleet/push/users-in-etcd.ts'

export class FakeEtcd implements PushEtcd {
  readonly #kvs = new Map<string, KeyValue>()
  #revision = 1
  /** Keys that were put, in order. */
  readonly puts: string[] = []
  /** Called before each transaction. */
  beforeTxn: () => Promise<void> | void = () => undefined
  /** True if the answer of the next transaction is lost, and the transaction is tried again. */
  losesAnswer = false
  isAway = false
  isClosed = false

  async get(key: string): Promise<KeyValue | undefined> {
    await this.#answer()
    return this.#kvs.get(key)
  }

  async put(key: string, value: string): Promise<{ readonly revision: string }> {
    await this.#answer()
    this.puts.push(key)
    this.#put(key, value)
    return { revision: String(this.#revision) }
  }

  async list(prefix: string): Promise<Listed> {
    await this.#answer()
    const kvs = [...this.#kvs.values()].filter(({ key }) => key.startsWith(prefix))
    return { revision: String(this.#revision), kvs }
  }

  async txn(compare: readonly Compare[], then: readonly Op[], otherwise: readonly Op[] = []): Promise<TxnResult> {
    await this.#answer()
    await this.beforeTxn()
    const result = this.#txn(compare, then, otherwise)
    if (!this.losesAnswer) return result
    this.losesAnswer = false
    return this.#txn(compare, then, otherwise)
  }

  delete(key: string): void {
    this.#kvs.delete(key)
  }

  close(): void {
    this.isClosed = true
  }

  #txn(compare: readonly Compare[], then: readonly Op[], otherwise: readonly Op[]): TxnResult {
    const won = compare.every((each) => {
      const present = this.#kvs.get(each.key)
      return 'modRevision' in each ? present?.modRevision === each.modRevision : present === undefined
    })
    const kvs = (won ? then : otherwise).map((op): readonly KeyValue[] => {
      if ('put' in op) this.#put(op.put, op.value)
      else if ('delete' in op) this.#kvs.delete(op.delete)
      else if ('get' in op) return [this.#kvs.get(op.get)].filter((each) => each !== undefined)
      return []
    })
    return { won, revision: String(this.#revision), kvs }
  }

  #put(key: string, value: string): void {
    this.#kvs.set(key, { key, value, modRevision: String(++this.#revision), version: '1', lease: '0' })
  }

  async #answer(): Promise<void> {
    await Promise.resolve()
    if (this.isAway) throw new EtcdUnavailable('no-majority', 'no majority of etcd answers')
  }
}
