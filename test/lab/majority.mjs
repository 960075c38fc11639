// Writes to each node of etcd all the time, each by a connection of its own, and prints the time of each answer. It shares nothing
// with the client that is tested. Its standard input is {endpoints, ca, cert, key}.
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'

/** Milliseconds between two writes to a node, and until one has failed. */
const EVERY_MS = 50
const LIMIT_MS = 1_000

const { endpoints, ca, cert, key } = JSON.parse(readFileSync(0, 'utf8'))
const base64 = (text) => Buffer.from(text).toString('base64')

async function write(endpoint, agent) {
  const body = JSON.stringify({ key: base64('probe'), value: base64(endpoint) })
  return await new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'grpc-metadata-hasleader': 'true' }
    const signal = AbortSignal.timeout(LIMIT_MS)
    const outgoing = request(`${endpoint}/v3/kv/put`, { agent, method: 'POST', headers, signal }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode === 200))
      response.once('error', () => resolve(false))
    })
    outgoing.on('error', () => resolve(false))
    outgoing.end(body)
  })
}

for (const endpoint of endpoints) {
  const agent = new Agent({ ca, cert, key, keepAlive: true })
  const again = async () => {
    if (await write(endpoint, agent)) console.log(Date.now())
    setTimeout(again, EVERY_MS)
  }
  void again()
}
