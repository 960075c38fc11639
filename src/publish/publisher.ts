import { encryptAge, encryptOpenPgp } from './encrypt.ts'
import { ORDER_MAX_BYTES } from './order.ts'
import type { Order } from './order.ts'
import { readPageAssets } from './page/assets.ts'
import { renderPage } from './page/list-page.ts'
import { place } from './place.ts'

/**
 * Carries out an order from standard input: encrypts a list and writes the results to the folder. It is a separate
 * process, so that the process that handles packets never loads an encryption library.
 *
 * @returns the exit code; the error is on standard error
 */
export async function publisher(): Promise<number> {
  try {
    await publish(await readOrder())
    return 0
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    return 1
  }
}

async function publish(order: Order): Promise<void> {
  const { text, door, folder, name, age, passphraseFile, openPgp, host } = order
  const files = new Map<string, Uint8Array>()
  if (age.length > 0 || passphraseFile !== undefined) {
    const armored = await encryptAge(text, { recipients: age, passphraseFile })
    files.set(`${name}.age`, Buffer.from(`${armored.trimEnd()}\n`))
    const page = renderPage({ door, listFile: `${name}.age`, host }, await readPageAssets())
    files.set(`${name}.html`, Buffer.from(page))
  }
  if (openPgp.length > 0) files.set(`${name}.asc`, await encryptOpenPgp(text, openPgp))
  // All files are encrypted before the first is written. Otherwise some could read a list that others cannot.
  for (const [file, bytes] of files) {
    // If the daemon was killed meanwhile, a new daemon publishes its own list, which must stay.
    if (process.ppid !== order.pid) throw new Error('the daemon that ordered this has ended')
    await place(folder, file, bytes)
  }
}

async function readOrder(): Promise<Order> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of process.stdin) {
    bytes += (piece as Buffer).length
    if (bytes > ORDER_MAX_BYTES) throw new Error('the order is too long')
    pieces.push(piece as Buffer)
  }
  return JSON.parse(Buffer.concat(pieces).toString()) as Order
}
