import { Worker } from 'node:worker_threads'
import { Lines } from './lines.ts'

/** What a TCP port looks like from a host. `refused`: a reset or an ICMP error came; `silent`: nothing did. */
export type Look = 'open' | 'refused' | 'silent'

/** A knock that a resident sends: a SYN, or an empty datagram. */
export interface Knock {
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
}

/** The orders that resident.mjs carries out, and their answers. */
interface Orders {
  probe: { readonly ask: { address: string; port: number; limitMs: number }; readonly answer: Look }
  serve: { readonly ask: { name: number; port: number; greeting: string }; readonly answer: undefined }
  connect: { readonly ask: { name: number; address: string; port: number }; readonly answer: number }
  say: { readonly ask: { name: number; line: string }; readonly answer: undefined }
  knock: { readonly ask: { address: string; knocks: readonly Knock[] }; readonly answer: undefined }
  close: { readonly ask: { name: number }; readonly answer: undefined }
}

type Message =
  | { readonly name: number; readonly line: string }
  | { readonly id: number; readonly answer?: unknown; readonly error?: string }

/** What a resident keeps open, and the lines that come from it. */
export class Socket extends Lines {
  readonly name: number
  readonly #resident: Resident

  constructor(resident: Resident, name: number, what: string) {
    super(what)
    this.#resident = resident
    this.name = name
  }

  /** Sends a line over a connection. */
  async say(line: string): Promise<void> {
    await this.#resident.ask('say', { name: this.name, line })
  }

  /** Closes it: a server with all its connections. */
  async stop(): Promise<void> {
    await this.#resident.ask('close', { name: this.name })
    this.end('closed')
  }
}

/** A thread of this test process that lives in the network namespace of a host. */
export class Resident {
  readonly #worker: Worker
  readonly #waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>()
  readonly #sockets = new Map<number, Socket>()
  #count = 0

  /** @param namespace its file */
  constructor(namespace: string) {
    this.#worker = new Worker(new URL('resident.mjs', import.meta.url), { workerData: namespace, execArgv: [] })
    this.#worker.unref()
    this.#worker.on('message', (message: Message) => this.#hear(message))
    this.#worker.on('error', (error: Error) => this.#reject(error))
    this.#worker.on('exit', () => this.#reject(new Error('the host is gone')))
  }

  /** Has an order carried out. Throws with the message of what went wrong. */
  async ask<Name extends keyof Orders>(order: Name, words: Orders[Name]['ask']): Promise<Orders[Name]['answer']> {
    const id = ++this.#count
    return (await new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, order, ...words })
    })) as Orders[Name]['answer']
  }

  /** Something that is to be kept open, with a name of its own. */
  socket(what: string): Socket {
    const socket = new Socket(this, ++this.#count, what)
    this.#sockets.set(socket.name, socket)
    return socket
  }

  /** Ends the thread and closes its sockets. */
  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #hear(message: Message): void {
    if ('line' in message) {
      this.#sockets.get(message.name)?.add(message.line)
      return
    }
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if (message.error === undefined) waiting?.resolve(message.answer)
    else waiting?.reject(new Error(message.error))
  }

  #reject(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
