import io.socket.client.IO;
import io.socket.client.Socket;
import io.socket.engineio.client.transports.WebSocket;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.json.JSONObject;

/** io.socket:socket.io-client: connects, joins, waits for one event, leaves. Ends with 0 if all of it happened. */
public class Smoke {
  public static void main(String[] args) throws Exception {
    IO.Options options =
        IO.Options.builder()
            .setAuth(Map.of("token", System.getenv("TOKEN")))
            .setTransports(new String[] {WebSocket.NAME})
            .build();
    Socket socket = IO.socket(URI.create(args[0]), options);
    CountDownLatch event = new CountDownLatch(1);
    socket.on(
        Socket.EVENT_CONNECT,
        ignored -> socket.emit("join_challenge", new JSONObject(Map.of("challenge_id", args[1]))));
    socket.on(Socket.EVENT_CONNECT_ERROR, told -> System.out.println("refused " + told[0]));
    socket.on("error", told -> System.out.println("error " + told[0]));
    socket.on("joined_challenge", told -> System.out.println("joined"));
    socket.on(
        "equity_updated",
        told -> {
          System.out.println("equity " + ((JSONObject) told[0]).optString("current_equity"));
          event.countDown();
        });
    socket.connect();
    boolean came = event.await(20, TimeUnit.SECONDS);
    socket.disconnect();
    System.exit(came ? 0 : 1);
  }
}
