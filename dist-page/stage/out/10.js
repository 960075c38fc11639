'use strict'
var __createBinding =
  (this && this.__createBinding) ||
  (Object.create
    ? function (o, m, k, k2) {
        if (k2 === undefined) k2 = k
        var desc = Object.getOwnPropertyDescriptor(m, k)
        if (!desc || ('get' in desc ? !m.__esModule : desc.writable || desc.configurable)) {
          desc = {
            enumerable: true,
            get: function () {
              return m[k]
            },
          }
        }
        Object.defineProperty(o, k2, desc)
      }
    : function (o, m, k, k2) {
        if (k2 === undefined) k2 = k
        o[k2] = m[k]
      })
var __setModuleDefault =
  (this && this.__setModuleDefault) ||
  (Object.create
    ? function (o, v) {
        Object.defineProperty(o, 'default', { enumerable: true, value: v })
      }
    : function (o, v) {
        o['default'] = v
      })
var __importStar =
  (this && this.__importStar) ||
  (function () {
    var ownKeys = function (o) {
      ownKeys =
        Object.getOwnPropertyNames ||
        function (o) {
          var ar = []
          for (var k in o) if (Object.prototype.hasOwnProperty.call(o, k)) ar[ar.length] = k
          return ar
        }
      return ownKeys(o)
    }
    return function (mod) {
      if (mod && mod.__esModule) return mod
      var result = {}
      if (mod != null)
        for (var k = ownKeys(mod), i = 0; i < k.length; i++) if (k[i] !== 'default') __createBinding(result, mod, k[i])
      __setModuleDefault(result, mod)
      return result
    }
  })()
Object.defineProperty(exports, '__esModule', { value: true })
exports.Decrypter =
  exports.Encrypter =
  exports.identityToRecipient =
  exports.generateX25519Identity =
  exports.generateHybridIdentity =
  exports.generateIdentity =
  exports.Stanza =
  exports.webauthn =
  exports.armor =
    void 0
const hmac_js_1 = require('@noble/hashes/hmac.js')
const hkdf_js_1 = require('@noble/hashes/hkdf.js')
const sha2_js_1 = require('@noble/hashes/sha2.js')
const utils_js_1 = require('@noble/hashes/utils.js')
const recipients_js_1 = require('./recipients.js')
const recipients_js_2 = require('./recipients.js')
const recipients_js_3 = require('./recipients.js')
const recipients_js_4 = require('./recipients.js')
const format_js_1 = require('./format.js')
Object.defineProperty(exports, 'Stanza', {
  enumerable: true,
  get: function () {
    return format_js_1.Stanza
  },
})
const stream_js_1 = require('./stream.js')
const io_js_1 = require('./io.js')
exports.armor = __importStar(require('./armor.js'))
exports.webauthn = __importStar(require('./webauthn.js'))
var recipients_js_5 = require('./recipients.js')
Object.defineProperty(exports, 'generateIdentity', {
  enumerable: true,
  get: function () {
    return recipients_js_5.generateIdentity
  },
})
Object.defineProperty(exports, 'generateHybridIdentity', {
  enumerable: true,
  get: function () {
    return recipients_js_5.generateHybridIdentity
  },
})
Object.defineProperty(exports, 'generateX25519Identity', {
  enumerable: true,
  get: function () {
    return recipients_js_5.generateX25519Identity
  },
})
Object.defineProperty(exports, 'identityToRecipient', {
  enumerable: true,
  get: function () {
    return recipients_js_5.identityToRecipient
  },
})
class Encrypter {
  passphrase = null
  scryptWorkFactor = 18
  recipients = []
  setPassphrase(s) {
    if (this.passphrase !== null) {
      throw new Error('can encrypt to at most one passphrase')
    }
    if (this.recipients.length !== 0) {
      throw new Error("can't encrypt to both recipients and passphrases")
    }
    this.passphrase = s
  }
  setScryptWorkFactor(logN) {
    this.scryptWorkFactor = logN
  }
  addRecipient(s) {
    if (this.passphrase !== null) {
      throw new Error("can't encrypt to both recipients and passphrases")
    }
    if (typeof s === 'string') {
      if (s.startsWith('age1pq1')) {
        this.recipients.push(new recipients_js_1.HybridRecipient(s))
      } else if (s.startsWith('age1tag1')) {
        this.recipients.push(new recipients_js_4.TagRecipient(s))
      } else if (s.startsWith('age1tagpq1')) {
        this.recipients.push(new recipients_js_4.HybridTagRecipient(s))
      } else if (s.startsWith('age1')) {
        this.recipients.push(new recipients_js_3.X25519Recipient(s))
      } else {
        throw new Error('unrecognized recipient type')
      }
    } else {
      this.recipients.push(s)
    }
  }
  async encrypt(file) {
    const fileKey = (0, utils_js_1.randomBytes)(16)
    const stanzas = []
    let recipients = this.recipients
    if (this.passphrase !== null) {
      recipients = [new recipients_js_2.ScryptRecipient(this.passphrase, this.scryptWorkFactor)]
    }
    for (const recipient of recipients) {
      stanzas.push(...(await recipient.wrapFileKey(fileKey)))
    }
    const labelHeader = new TextEncoder().encode('header')
    const hmacKey = (0, hkdf_js_1.hkdf)(sha2_js_1.sha256, fileKey, undefined, labelHeader, 32)
    const mac = (0, hmac_js_1.hmac)(sha2_js_1.sha256, hmacKey, (0, format_js_1.encodeHeaderNoMAC)(stanzas))
    const header = (0, format_js_1.encodeHeader)(stanzas, mac)
    const nonce = (0, utils_js_1.randomBytes)(16)
    const labelPayload = new TextEncoder().encode('payload')
    const streamKey = (0, hkdf_js_1.hkdf)(sha2_js_1.sha256, fileKey, nonce, labelPayload, 32)
    const encrypter = (0, stream_js_1.encryptSTREAM)(streamKey)
    if (!(file instanceof ReadableStream)) {
      if (typeof file === 'string') file = new TextEncoder().encode(file)
      return await (0, io_js_1.readAll)(
        (0, io_js_1.prepend)((0, io_js_1.stream)(file).pipeThrough(encrypter), header, nonce),
      )
    }
    return Object.assign((0, io_js_1.prepend)(file.pipeThrough(encrypter), header, nonce), {
      size: (size) => (0, stream_js_1.ciphertextSize)(size) + header.length + nonce.length,
    })
  }
}
exports.Encrypter = Encrypter
class Decrypter {
  identities = []
  addPassphrase(s) {
    this.identities.push(new recipients_js_2.ScryptIdentity(s))
  }
  addIdentity(s) {
    if (isCryptoKey(s)) {
      this.identities.push(new recipients_js_3.X25519Identity(s))
    } else if (typeof s === 'string') {
      if (s.startsWith('AGE-SECRET-KEY-1')) {
        this.identities.push(new recipients_js_3.X25519Identity(s))
      } else if (s.startsWith('AGE-SECRET-KEY-PQ-1')) {
        this.identities.push(new recipients_js_1.HybridIdentity(s))
      } else {
        throw new Error('unrecognized identity type')
      }
    } else {
      this.identities.push(s)
    }
  }
  async decrypt(file, outputFormat) {
    const s = file instanceof ReadableStream ? file : (0, io_js_1.stream)(file)
    const { fileKey, headerSize, rest } = await this.decryptHeaderInternal(s)
    const { data: nonce, rest: payload } = await (0, io_js_1.read)(rest, 16)
    const label = new TextEncoder().encode('payload')
    const streamKey = (0, hkdf_js_1.hkdf)(sha2_js_1.sha256, fileKey, nonce, label, 32)
    const decrypter = (0, stream_js_1.decryptSTREAM)(streamKey)
    const out = payload.pipeThrough(decrypter)
    const outWithSize = Object.assign(out, {
      size: (size) => (0, stream_js_1.plaintextSize)(size - headerSize - nonce.length),
    })
    if (file instanceof ReadableStream) return outWithSize
    if (outputFormat === 'text') return await (0, io_js_1.readAllString)(out)
    return await (0, io_js_1.readAll)(out)
  }
  async decryptHeader(header) {
    return (await this.decryptHeaderInternal((0, io_js_1.stream)(header))).fileKey
  }
  async decryptHeaderInternal(file) {
    const h = await (0, format_js_1.parseHeader)(file)
    const fileKey = await this.unwrapFileKey(h.stanzas)
    if (fileKey === null) throw Error("no identity matched any of the file's recipients")
    const label = new TextEncoder().encode('header')
    const hmacKey = (0, hkdf_js_1.hkdf)(sha2_js_1.sha256, fileKey, undefined, label, 32)
    const mac = (0, hmac_js_1.hmac)(sha2_js_1.sha256, hmacKey, h.headerNoMAC)
    if (!compareBytes(h.MAC, mac)) throw Error('invalid header HMAC')
    return { fileKey, headerSize: h.headerSize, rest: h.rest }
  }
  async unwrapFileKey(stanzas) {
    for (const identity of this.identities) {
      const fileKey = await identity.unwrapFileKey(stanzas)
      if (fileKey !== null) return fileKey
    }
    return null
  }
}
exports.Decrypter = Decrypter
function compareBytes(a, b) {
  if (a.length !== b.length) {
    return false
  }
  let acc = 0
  for (let i = 0; i < a.length; i++) {
    acc |= a[i] ^ b[i]
  }
  return acc === 0
}
function isCryptoKey(key) {
  return typeof CryptoKey !== 'undefined' && key instanceof CryptoKey
}
