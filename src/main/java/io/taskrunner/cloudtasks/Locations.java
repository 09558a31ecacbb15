package io.taskrunner.cloudtasks;

import com.google.cloud.location.GetLocationRequest;
import com.google.cloud.location.ListLocationsRequest;
import com.google.cloud.location.ListLocationsResponse;
import com.google.cloud.location.Location;
import io.taskrunner.cloudtasks.Names.LocationName;
import io.taskrunner.http.call.Caller;

/**
 * The calls about locations. Every location is served alike, as a mere part of a name; a list
 * returns one.
 */
final class Locations {

  private static final String ANY = "us-central1";

  ListLocationsResponse list(ListLocationsRequest request, Caller unused) {
    String project = Names.project(request.getName());
    return ListLocationsResponse.newBuilder()
        .addLocations(location(new LocationName(project, ANY)))
        .build();
  }

  Location get(GetLocationRequest request, Caller unused) {
    LocationName name = Names.location(request.getName());
    return location(name);
  }

  private static Location location(LocationName name) {
    return Location.newBuilder()
        .setName(name.toString())
        .setLocationId(name.location())
        .putLabels("cloud.googleapis.com/region", name.location())
        .build();
  }
}
