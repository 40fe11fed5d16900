// SPDX-License-Identifier: MIT
// node's HTTP/2 client at work: prints one line of JSON. Arguments: URL, file of the certificate.
import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import http2 from "node:http2";

const [url, ca] = process.argv.slice(2);
const session = http2.connect(url, { ca: readFileSync(ca) });
session.on("error", (error) => { console.error(error); process.exit(1); });

function ask(fields, body, trailers) {
  return new Promise((resolve, reject) => {
    const stream = session.request(fields, { waitForTrailers: trailers !== undefined, endStream: body === undefined });
    const answer = { body: [] };
    stream.on("response", (head) => { answer.head = head; });
    stream.on("headers", (head) => { (answer.informational ??= []).push(head[":status"]); });
    stream.on("data", (data) => answer.body.push(data));
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.on("end", () => { answer.body = Buffer.concat(answer.body); });
    stream.on("close", () => resolve(answer));
    stream.on("error", reject);
    if (body !== undefined) stream.end(body);
  });
}

const result = {};
const many = await Promise.all(Array.from({ length: 300 }, (_, i) => ask({ ":path": `/echo.php?i=${i}` })));
result.many = many.filter((a, i) => a.head[":status"] === 200 && JSON.parse(a.body).get.i === String(i)).length;

const data = Buffer.alloc(3_000_000, "node ");
const upload = await ask({ ":path": "/echo.php", ":method": "POST", "content-type": "text/plain" }, data, { checksum: "x" });
result.upload = JSON.parse(upload.body).md5 === createHash("md5").update(data).digest("hex");

const file = await ask({ ":path": "/text.txt" });
result.file = createHash("md5").update(file.body).digest("hex");

const expecting = await ask({ ":path": "/echo.php", ":method": "POST", expect: "100-continue" }, Buffer.from("abc"));
result.expected = [expecting.informational ?? [], expecting.head[":status"]];

const head = await ask({ ":path": "/text.txt", ":method": "HEAD" });
result.head = [head.head[":status"], Number(head.head["content-length"]), head.body.length];

// streams that are cancelled while they are answered leave the others alone
const cancelled = Array.from({ length: 50 }, () => new Promise((resolve) => {
  const stream = session.request({ ":path": "/stream.php" });
  stream.on("response", () => stream.close(http2.constants.NGHTTP2_CANCEL));
  stream.on("close", resolve);
  stream.on("error", resolve);
  stream.resume();
}));
await Promise.all(cancelled);
result.after = (await ask({ ":path": "/hello.php" })).body.toString();
result.ping = await new Promise((resolve) => session.ping((error) => resolve(error === null)));
result.protocol = session.alpnProtocol;

if (process.argv[4] === "drain") {
  // a long answer is read to its end while the server stops; then the session closes by itself
  const goaway = new Promise((resolve) => session.on("goaway", resolve));
  const slow = session.request({ ":path": "/slow.php" });
  slow.on("response", () => console.error("answering"));
  slow.setEncoding("utf8");
  let text = "";
  slow.on("data", (piece) => { text += piece; });
  await new Promise((resolve) => slow.on("close", resolve));
  result.goaway = await goaway;
  result.slow = text;
}
session.close();
session.on("close", () => console.log(JSON.stringify(result)));
