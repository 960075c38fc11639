import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Failure } from '../cli/fault.ts'

/**
 * Asks for a passphrase at the terminal, without showing it.
 *
 * @param whose passphrase, for the message
 * @throws Failure if there is no terminal
 */
export async function askPassphrase(question: string, whose: string, hint?: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new Failure(`there is no terminal to ask for the passphrase of ${whose}`, hint)
  }
  process.stderr.write(`${question}: `)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  try {
    return await new Promise<string>((resolve, reject) => {
      reader.once('line', resolve)
      reader.once('close', () => reject(new Failure('the terminal was closed: nothing has changed')))
      reader.once('SIGINT', () => reject(new Failure('interrupted: nothing has changed')))
    })
  } finally {
    reader.close()
    process.stderr.write('\n')
  }
}
