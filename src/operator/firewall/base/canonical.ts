import { fileURLToPath } from 'node:url'
import { spawn } from '../../../native/spawn.ts'

/** Milliseconds that loading a table elsewhere may take. */
const LIMIT_MS = 10_000
const PROGRAM = fileURLToPath(new URL('../../../bin/firewall-listing.js', import.meta.url))

/**
 * How the firewall would list a table if this text were loaded: it is, in a network namespace made for it (unshare(1)),
 * which is gone afterwards.
 *
 * @throws Error with what the firewall says, if it refuses the text
 */
export async function canonical(table: string, text: string, byName = false): Promise<string> {
  return await new Promise((resolve, reject) => {
    const words = [PROGRAM, table, ...(byName ? ['names'] : [])]
    const child = spawn('unshare', ['--net', process.execPath, ...words], { stdio: 'pipe', timeout: LIMIT_MS })
    let listed = ''
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (more: string) => (listed += more))
    child.stderr.setEncoding('utf8').on('data', (more: string) => (said += more))
    child.stdin.on('error', () => undefined)
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(listed)
      else reject(new Error(said.trim() || 'the rules could not be tried elsewhere'))
    })
    child.stdin.end(text)
  })
}
