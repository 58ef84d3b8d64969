// One page of Java, JDK 17 or later alone: the contacts for a file of candidates, over TLS, in flat memory.
//
//   openssl pkcs12 -export -in home/tls/client.pem -inkey home/tls/client.key -out client.p12 -passout pass:changeit
//   java Rouse.java 127.0.0.1:7411 home/tls/ca.pem client.p12 changeit candidates.ndjson [LIMIT]
//
// Rows go to standard output, the totals to standard error. Exit codes: 0 done, 2 usage, 3 an error of the server, 4 no
// connection. Rows count only when this has exited with 0.
import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.KeyStore;
import java.security.cert.*;
import java.util.regex.*;
import javax.net.ssl.*;

public class Rouse {
  public static void main(String[] words) throws Exception {
    if (words.length < 5) fail(2, "usage: Rouse HOST:PORT CA.pem CLIENT.p12 PASSWORD CANDIDATES [LIMIT]");
    int colon = words[0].lastIndexOf(':');
    String host = words[0].substring(0, colon);
    try (SSLSocket socket = connect(host, Integer.parseInt(words[0].substring(colon + 1)), words[1], words[2], words[3]);
        InputStream candidates = new BufferedInputStream(Files.newInputStream(Path.of(words[4])), 1 << 16)) {
      // One thread writes while this one reads: a server keeps no rows for a client that does not read.
      String head = "{\"op\":\"rank\",\"id\":1,\"stream\":true" + (words.length > 5 ? ",\"limit\":" + Long.parseLong(words[5]) : "") + "}\n";
      Thread writer = new Thread(() -> send(socket, head, candidates));
      writer.setDaemon(true);
      writer.start();
      BufferedReader lines = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8), 1 << 16);
      PrintStream rows = new PrintStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16), false, "UTF-8");
      for (String line; (line = lines.readLine()) != null; ) {
        // A real program reads JSON with a library. A row has no member ok; the line that ends the answer has it.
        Matcher ok = Pattern.compile("^\\{(?:\"id\":1,)?\"ok\":(true|false)").matcher(line);
        if (line.startsWith("{\"event\":")) continue;
        if (!ok.find()) rows.println(line);
        else if (ok.group(1).equals("false")) fail(3, "the server refuses: " + line);
        else {
          rows.flush();
          System.err.println(line);
          return;
        }
      }
      fail(4, "the connection ended before the answer was whole; the rows are worth nothing: send it again");
    } catch (IOException error) {
      fail(4, words[0] + ": " + error.getMessage() + "; check host, port, CA and certificate");
    }
  }

  /** The head, the candidates as they stand in the file, and the end. A file without a last LF is given one. */
  static void send(SSLSocket socket, String head, InputStream candidates) {
    try {
      OutputStream out = new BufferedOutputStream(socket.getOutputStream(), 1 << 16);
      out.write(head.getBytes(StandardCharsets.UTF_8));
      candidates.transferTo(out);
      out.write("\n{\"op\":\"end\"}\n".getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException closed) {
      // The server ended the connection; its last line says why, and the reader has it.
    }
  }

  static SSLSocket connect(String host, int port, String ca, String store, String password) throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    try (InputStream file = Files.newInputStream(Path.of(ca))) {
      int count = 0;
      for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(file)) trusted.setCertificateEntry("ca" + count++, each);
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    KeyManagerFactory ours = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    ours.init(KeyStore.getInstance(new File(store), password.toCharArray()), password.toCharArray());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(ours.getKeyManagers(), trust.getTrustManagers(), null);
    SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(host, port);
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS"); // without it Java does not look at the server's name
    parameters.setApplicationProtocols(new String[] {"rouse/1"});
    socket.setSSLParameters(parameters);
    socket.startHandshake();
    return socket;
  }

  static void fail(int code, String text) {
    System.err.println("rouse: " + text);
    System.exit(code);
  }
}
