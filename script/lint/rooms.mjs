// A rule for oxlint: imports run one way. Each folder of src is a room, and a room imports only the rooms below it.

/** The rooms from the bottom to the top. */
export const ROOMS = (
  'text packet limit native totp remedy config firewall gate spa lint file log host etcd state control metrics capture publish base ' +
  'door secret peer fleet cli client daemon twin postern bin'
).split(' ')

/** Returns the room of a path below src; `undefined`: a file of src itself, or no file of src. */
function roomOf(path) {
  return /\/src\/([^/]+)\//.exec(path)?.[1]
}

const order = {
  create(context) {
    const room = roomOf(context.filename)
    const place = ROOMS.indexOf(room)
    const look = (node) => {
      const source = node.source?.value
      if (room === undefined || typeof source !== 'string' || !source.startsWith('.')) return
      const other = roomOf(new URL(source, `file://${context.filename}`).pathname)
      if (other === undefined || other === room) return
      if (place < 0 || !ROOMS.includes(other)) {
        context.report({ node, message: `${place < 0 ? room : other} is not in the list of rooms` })
      } else if (ROOMS.indexOf(other) > place) {
        context.report({ node, message: `${room} imports ${other}, which is above it` })
      }
    }
    return {
      ImportDeclaration: look,
      ImportExpression: look,
      ExportNamedDeclaration: look,
      ExportAllDeclaration: look,
    }
  },
}

export default { meta: { name: 'rooms' }, rules: { order } }
