// A Kinesis stand-in (npm kinesalite) for ordinary clients, and the same store behind TLS for StateFun, which refuses
// endpoints that are not https. The certificate is kinesalite's own. Both listen on loopback.
//   NODE_PATH=.../node_modules node server.js PORT TLS_PORT
const fs = require('fs')
const net = require('net')
const path = require('path')
const tls = require('tls')

const [port, tlsPort] = process.argv.slice(2).map(Number)
const certificates = path.join(path.dirname(require.resolve('kinesalite')), 'ssl')
const options = {
  key: fs.readFileSync(path.join(certificates, 'server-key.pem')),
  cert: fs.readFileSync(path.join(certificates, 'server-crt.pem')),
}

// Through its Node API: its command listens on every interface.
require('kinesalite')({createStreamMs: 50}).listen(port, '127.0.0.1')

tls.createServer(options, outside => {
  const inside = net.connect(port, '127.0.0.1')
  outside.pipe(inside).pipe(outside)
  outside.on('error', () => inside.destroy())
  inside.on('error', () => outside.destroy())
}).listen(tlsPort, '127.0.0.1')
