// One process that runs postern(8) again and again: a start of the program takes longer than most of its commands. It takes the
// words of a command as JSON at the socket of its first argument, and answers with the exit code and the output.
import { createServer } from 'node:net'
import { join } from 'node:path'

const [path, modules] = process.argv.slice(2)
const { postern } = await import(join(modules, 'postern/postern.js'))
/** Ends when the commands before it have ended, as if they were typed in one shell. */
let idle = Promise.resolve()

async function run(argv) {
  const said = { stdout: '', stderr: '' }
  const output = { out: (text) => void (said.stdout += text), err: (text) => void (said.stderr += text) }
  return { code: await postern(argv, output), signal: null, ...said }
}

const server = createServer({ allowHalfOpen: true }, (client) => {
  let words = ''
  client.setEncoding('utf8').on('data', (text) => (words += text))
  client.on('end', () => {
    idle = idle
      .then(async () => client.end(JSON.stringify(await run(JSON.parse(words)))))
      .catch((error) =>
        client.end(JSON.stringify({ code: null, signal: null, stdout: '', stderr: String(error.stack) })),
      )
  })
})
server.listen(path, () => console.log('ready'))
