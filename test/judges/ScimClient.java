// The SCIM SDK (Maven's), with which Keycloak's plug-ins provision, driven from outside: one JSON command a line on standard
// input, one JSON answer a line on standard output. Arguments: the address of the server. The first line is its token.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import de.captaingoldfish.scim.sdk.client.ScimClientConfig;
import de.captaingoldfish.scim.sdk.client.ScimRequestBuilder;
import de.captaingoldfish.scim.sdk.client.builder.BulkBuilder;
import de.captaingoldfish.scim.sdk.client.resources.ResourceType;
import de.captaingoldfish.scim.sdk.client.response.ServerResponse;
import de.captaingoldfish.scim.sdk.common.constants.enums.HttpMethod;
import de.captaingoldfish.scim.sdk.common.constants.enums.SortOrder;
import de.captaingoldfish.scim.sdk.common.resources.Group;
import de.captaingoldfish.scim.sdk.common.resources.ResourceNode;
import de.captaingoldfish.scim.sdk.common.resources.ServiceProvider;
import de.captaingoldfish.scim.sdk.common.resources.User;
import de.captaingoldfish.scim.sdk.common.response.ListResponse;
import de.captaingoldfish.scim.sdk.common.schemas.Schema;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

public class ScimClient {
  static final ObjectMapper JSON = new ObjectMapper();
  static ScimRequestBuilder client;

  public static void main(String[] args) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    var config = ScimClientConfig.builder()
        .connectTimeout(5).requestTimeout(20).socketTimeout(20)
        .httpHeaders(Map.of("Authorization", "Bearer " + in.readLine().trim()))
        .build();
    client = new ScimRequestBuilder(args[0], config);
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      ObjectNode answer;
      try {
        answer = answered(JSON.readTree(line));
      } catch (Exception error) {
        answer = JSON.createObjectNode().put("thrown", String.valueOf(error));
      }
      out.println(JSON.writeValueAsString(answer));
    }
    client.close();
  }

  static ObjectNode answered(JsonNode asked) throws Exception {
    return switch (asked.get("type").asText()) {
      case "User" -> of(User.class, "/Users", asked);
      case "Group" -> of(Group.class, "/Groups", asked);
      case "Bulk" -> told(bulk(asked.get("body")).sendRequest());
      case "Schema" -> told(client.list(Schema.class, "/Schemas").get().sendRequest());
      case "ResourceType" -> told(client.list(ResourceType.class, "/ResourceTypes").get().sendRequest());
      default -> told(client.get(ServiceProvider.class, "/ServiceProviderConfig", null).sendRequest());
    };
  }

  static <T extends ResourceNode> ObjectNode of(Class<T> type, String endpoint, JsonNode asked) {
    String id = asked.path("id").asText();
    String body = asked.path("body").toString();
    var version = asked.path("version");
    return switch (asked.get("do").asText()) {
      case "create" -> told(client.create(type, endpoint).setResource(body).sendRequest());
      case "get" -> told(client.get(type, endpoint, id).sendRequest());
      case "update" -> {
        var update = client.update(type, endpoint, id).setResource(body);
        if (version.isTextual()) update.setETagForIfMatch(version.asText());
        yield told(update.sendRequest());
      }
      case "patch" -> told(client.patch(type, endpoint, id).setPatchResource(body).sendRequest());
      case "delete" -> told(client.delete(type, endpoint, id).sendRequest());
      default -> {
        var list = client.list(type, endpoint).count(asked.path("count").asInt(100));
        if (asked.has("filter")) list.filter(asked.get("filter").asText());
        if (asked.has("sortBy")) list.sortBy(asked.get("sortBy").asText()).sortOrder(SortOrder.DESCENDING);
        if (asked.has("startIndex")) list.startIndex(asked.get("startIndex").asLong());
        yield told(asked.path("post").asBoolean() ? list.post().sendRequest() : list.get().sendRequest());
      }
    };
  }

  static BulkBuilder bulk(JsonNode operations) {
    BulkBuilder bulk = client.bulk();
    for (JsonNode one : operations) {
      var operation = bulk.bulkRequestOperation(one.get("path").asText())
          .method(HttpMethod.valueOf(one.get("method").asText()));
      if (one.has("bulkId")) operation.bulkId(one.get("bulkId").asText());
      if (one.has("data")) operation.data(one.get("data").toString());
      operation.next();
    }
    return bulk;
  }

  /** What the SDK made of the answer; `valid`: it took it for one of SCIM's. */
  static ObjectNode told(ServerResponse<?> response) {
    var answer = JSON.createObjectNode()
        .put("status", response.getHttpStatus())
        .put("valid", response.isValidScimResponse())
        .put("success", response.isSuccess());
    if (response.getResource() instanceof ListResponse<?> list) {
      answer.put("total", list.getTotalResults());
      answer.set("listed", JSON.valueToTree(list.getListedResources()));
    } else if (response.getResource() != null) answer.set("resource", response.getResource());
    if (response.getErrorResponse() != null) answer.set("error", response.getErrorResponse());
    return answer;
  }
}
