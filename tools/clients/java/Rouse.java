// One page of Java, JDK 17 or later alone: the contacts for a file of candidates, over TLS, in flat memory.
//
//   openssl pkcs12 -export -in home/tls/client.pem -inkey home/tls/client.key -out client.p12 -passout pass:changeit
//   java Rouse.java 127.0.0.1:7411 home/tls/ca.pem client.p12 changeit candidates.ndjson ['"limit":100,"budget":50']
//
// The last word are members of the request, as JSON; a number alone is its limit. Rows go to standard output, the totals to standard error.
// Exit codes: 0 done, 2 something of ours is wrong, 3 the server refuses, 4 no connection, or one that broke off. Rows count
// only when this has exited with 0. With 4, and with 3 where it says so, the same may be sent again.
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.util.regex.*;
import javax.net.ssl.*;

public class Rouse {
  static final Pattern OK = Pattern.compile("^\\{(?:\"id\":1,)?\"ok\":(true|false)");
  static final Pattern ERROR = Pattern.compile("\"code\":\"(\\w+)\",\"message\":\"((?:[^\"\\\\]|\\\\.)*)\"");
  static final Pattern PAUSE = Pattern.compile("\"retry_after_ms\":(\\d+)");

  public static void main(String[] words) throws IOException {
    if (words.length < 5) fail(2, "usage: java Rouse.java HOST:PORT CA.pem CLIENT.p12 PASSWORD CANDIDATES.ndjson [MEMBERS]");
    Matcher address = Pattern.compile("\\[?(.+?)\\]?:(\\d{1,5})").matcher(words[0]);
    if (!address.matches()) fail(2, "'" + words[0] + "' is not HOST:PORT, such as 127.0.0.1:7411");
    SSLContext context = context(words[1], words[2], words[3]);
    Path candidates = Path.of(words[4]);
    if (!Files.isReadable(candidates)) fail(2, candidates + " cannot be read; check the path");
    String members = words.length > 5 ? "," + words[5].replaceFirst("^(\\d+)$", "\"limit\":$1") : "";
    String head = "{\"op\":\"rank\",\"id\":1,\"stream\":true" + members + "}\n";

    try (SSLSocket socket = connect(context, address.group(1), Integer.parseInt(address.group(2)))) {
      // One thread writes while this one reads: a server keeps no rows for a client that does not read.
      Thread writer = new Thread(() -> send(socket, head, candidates));
      writer.setDaemon(true);
      writer.start();
      BufferedReader lines = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8), 1 << 16);
      PrintStream rows = new PrintStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16), false, "UTF-8");
      for (String line; (line = lines.readLine()) != null; ) {
        // A real program reads JSON with a library. A row has no member ok; the line that ends the answer has it.
        Matcher ok = OK.matcher(line);
        if (line.startsWith("{\"event\":")) continue;
        if (!ok.find()) rows.println(line);
        else if (ok.group(1).equals("false")) refused(line);
        else {
          rows.flush();
          System.err.println(line);
          return;
        }
      }
      fail(4, "the connection ended before the answer was whole; the rows are worth nothing: send it again");
    } catch (IOException error) {
      fail(4, words[0] + ": " + error.getMessage() + "; check host and port, that the server runs, its CA and our certificate");
    }
  }

  /** The head, the candidates as they stand in the file, and the end. */
  static void send(SSLSocket socket, String head, Path candidates) {
    // Latin 1 keeps every byte as it is, and the server looks at the UTF-8.
    try (BufferedReader file = Files.newBufferedReader(candidates, StandardCharsets.ISO_8859_1)) {
      OutputStream out = new BufferedOutputStream(socket.getOutputStream(), 1 << 16);
      out.write(head.getBytes(StandardCharsets.UTF_8));
      for (String line; (line = file.readLine()) != null; ) {
        // A line {"op":"end"} would end the stream and make requests of what follows it.
        if (line.contains("\"op\"") || line.contains("\\u00"))
          fail(2, candidates + " has a member named op, or escapes that may spell one; take it out");
        out.write(line.getBytes(StandardCharsets.ISO_8859_1));
        out.write('\n');
      }
      out.write("{\"op\":\"end\"}\n".getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException closed) {
      // The server ended the connection; its last line says why, and the reader has it.
    }
  }

  /** An error of the server, by its code: errors.md has them all, and says which of them may be sent again. */
  static void refused(String line) {
    Matcher error = ERROR.matcher(line), pause = PAUSE.matcher(line);
    String code = error.find() ? error.group(1) : "internal";
    String again = switch (code) {
      case "overloaded", "rate_limited" -> "; send it again" + (pause.find() ? " in " + pause.group(1) + " ms" : " later");
      case "shutting_down", "idle_timeout" -> "; send it again on another connection";
      case "deadline_exceeded" -> "; give it more timeout_ms";
      default -> "; the same request has the same answer";
    };
    fail(3, "the server refuses: " + code + ": " + (error.reset().find() ? error.group(2) : line) + again);
  }

  static SSLContext context(String ca, String store, String password) {
    String now = ca;
    try {
      KeyStore trusted = KeyStore.getInstance("PKCS12");
      trusted.load(null, null);
      try (InputStream file = Files.newInputStream(Path.of(ca))) {
        int count = 0;
        for (java.security.cert.Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(file))
          trusted.setCertificateEntry("ca" + count++, each);
      }
      TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(trusted);
      now = store;
      KeyManagerFactory ours = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      ours.init(KeyStore.getInstance(new File(store), password.toCharArray()), password.toCharArray());
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(ours.getKeyManagers(), trust.getTrustManagers(), null);
      return context;
    } catch (IOException | GeneralSecurityException | IllegalArgumentException error) {
      fail(2, now + " cannot be used: " + error.getMessage() + "; give the CA as PEM, and certificate and key as PKCS #12 with its password");
      return null;
    }
  }

  static SSLSocket connect(SSLContext context, String host, int port) throws IOException {
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
    Runtime.getRuntime().halt(code); // at once, also from the writer: what stands in buffers is not to be trusted
  }
}
