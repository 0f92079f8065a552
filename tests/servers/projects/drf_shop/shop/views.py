from rest_framework.authentication import BasicAuthentication, TokenAuthentication
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.response import Response


class BearerAuthentication(TokenAuthentication):
    """As the manual advises for another keyword."""

    keyword = "Bearer"


@api_view()
@authentication_classes([TokenAuthentication])
def by_token(request):
    return Response({"user": request.user.username})


@api_view()
@authentication_classes([BearerAuthentication])
def by_bearer(request):
    return Response({"user": request.user.username})


@api_view()
@authentication_classes([BasicAuthentication])
def by_password(request):
    return Response({"user": request.user.username})


@api_view()
def by_any(request):
    return Response({"user": request.user.username})


@api_view()
@permission_classes([AllowAny])
def status(request):
    return Response({"status": "up"})
